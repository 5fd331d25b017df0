using ChannelDistillation.Core;
using ChannelDistillation.Losses;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>A folder with `train` and `val`, each with one folder of images per class.</summary>
internal static class ImageFolder
{
    private static readonly string[] Parts = ["train", "val"];

    /// <summary>The missing parts. Their content is checked when they are opened.</summary>
    public static IReadOnlyList<string> Missing(string folder) => [.. Parts.Where(part => !Directory.Exists(Path.Combine(folder, part)))];

    public static bool Exists(string folder) => Missing(folder).Count == 0;

    /// <summary>The message for a missing or incomplete folder.</summary>
    public static string MissingMessage(DatasetDescriptor dataset, string folder)
    {
        var shown = dataset.Folder ?? $"data/{dataset.Name}";
        if (Directory.Exists(folder) && FolderEntry.WhyUnreadable(folder) is { } reason)
        {
            return reason;
        }

        var absent = Directory.Exists(folder) ? $"The folder {shown} has no {Missing(folder)[0]}/." : $"There is no folder {shown}.";
        return dataset.Homepage is null
            ? $"{absent} It must contain train/ and val/, each with one folder of images per class. Relative paths start at the project folder."
            : $"{absent} {dataset.Name} cannot be downloaded without an account: get it from {dataset.Homepage} and unpack it to "
                + $"{shown}/train/CLASS/ and {shown}/val/CLASS/ with {dataset.Classes} classes (docs/data.md shows how), "
                + $"or link {shown} to an existing copy.";
    }

    /// <summary>Whether there is a part to evaluate on.</summary>
    public static bool HasValidation(string folder) => Directory.Exists(Path.Combine(folder, Parts[1]));

    /// <summary>Number of class folders to evaluate on, in a folder that is not part of an experiment.</summary>
    /// <exception cref="MissingException">It has no part for validation, or no classes.</exception>
    public static int CountClasses(string folder) =>
        HasValidation(folder)
            ? ClassesOf(Path.Combine(folder, Parts[1])).Length
            : throw new MissingException(
                FolderEntry.WhyUnreadable(folder)
                    ?? $"{folder} is not an image folder: for evaluation it must contain val/ with one folder of images per class."
            );

    /// <summary>Lists both parts.</summary>
    /// <exception cref="MissingException">Their classes do not match.</exception>
    public static (FolderPart Training, FolderPart Validation) List(string folder)
    {
        var (train, val) = (Path.Combine(folder, Parts[0]), Path.Combine(folder, Parts[1]));
        var classes = ClassesOf(train);
        var inVal = ClassesOf(val);
        if (ClassNames.NearlySame(classes, inVal) is var (name, other, difference))
        {
            throw new MissingException($"In {folder}, train/ has the class `{name}` and val/ has `{other}`: {difference}. Give both the same name.");
        }

        if ((ClassNames.Without(classes, inVal) ?? ClassNames.Without(inVal, classes)) is { } names)
        {
            var (has, lacks) = ClassNames.Without(classes, inVal) is null ? ("val", "train") : ("train", "val");
            throw new MissingException($"In {folder}, {has}/ has {names}, but {lacks}/ does not. Both need the same class folders.");
        }

        var order = ClassIndex.Order(folder, classes);
        return (FolderPart.List(train, order), FolderPart.List(val, order));
    }

    /// <summary>Lists only the part for validation.</summary>
    /// <exception cref="MissingException">It cannot be used.</exception>
    public static FolderPart ListValidation(string folder)
    {
        var val = Path.Combine(folder, Parts[1]);
        return FolderPart.List(val, ClassIndex.Order(folder, ClassesOf(val)));
    }

    private static string[] ClassesOf(string folder)
    {
        var findings = new Findings();
        string[] classes = ImageFiles.Classes(folder, findings);
        if (classes.Length == 0)
        {
            string what = findings.IsEmpty ? "" : $": it has {findings.Kinds(Effect.Unused)}";
            throw new MissingException(
                FolderEntry.Of(folder).Any(ImageFiles.IsImage)
                    ? $"The images in {folder} are not in class folders, so their labels are unknown. "
                        + "ImageNet's validation images are distributed this way; docs/data.md shows how to sort them."
                    : $"{folder} has no class folders{what}."
            );
        }

        return classes;
    }
}
