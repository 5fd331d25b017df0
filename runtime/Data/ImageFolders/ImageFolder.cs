using ChannelDistillation.Core;
using ChannelDistillation.Losses;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>A folder with `train` and `val`, each with one folder of photographs per class.</summary>
internal static class ImageFolder
{
    private static readonly string[] Parts = ["train", "val"];

    /// <summary>The parts that are not there; what is in them is looked at when they are opened.</summary>
    public static IReadOnlyList<string> Missing(string folder) => [.. Parts.Where(part => !Directory.Exists(Path.Combine(folder, part)))];

    public static bool IsThere(string folder) => Missing(folder).Count == 0;

    /// <summary>What to say where it is not.</summary>
    public static string WhatIsMissing(DatasetDescriptor dataset, string folder)
    {
        var shown = dataset.Folder ?? $"data/{dataset.Name}";
        if (Directory.Exists(folder) && FolderEntry.WhyUnreadable(folder) is { } reason)
        {
            return reason;
        }

        var absent = Directory.Exists(folder) ? $"The folder {shown} has no {Missing(folder)[0]}/ in it." : $"There is no folder {shown}.";
        return dataset.Homepage is null
            ? $"{absent} It should hold train/ and val/, each with one folder of photographs per class. A relative path starts at the project's folder."
            : $"{absent} {dataset.Name} cannot be downloaded without an account: get it from {dataset.Homepage}, and unpack it so that photographs lie in "
                + $"{shown}/train/CLASS/ and {shown}/val/CLASS/, a folder for each of the {dataset.Classes} classes (docs/data.md shows how), "
                + "or make a link to where you have it.";
    }

    /// <summary>Whether there is enough to evaluate on.</summary>
    public static bool HasValidation(string folder) => Directory.Exists(Path.Combine(folder, Parts[1]));

    /// <summary>How many class folders there are to evaluate on, in a folder that no experiment describes.</summary>
    /// <exception cref="MissingException">It has no part for validation, or no classes.</exception>
    public static int CountClasses(string folder) =>
        HasValidation(folder)
            ? ClassesOf(Path.Combine(folder, Parts[1])).Length
            : throw new MissingException(
                FolderEntry.WhyUnreadable(folder)
                    ?? $"{folder} is no folder of photographs: to evaluate on, it should hold val/ with one folder of photographs per class."
            );

    /// <summary>Lists both parts.</summary>
    /// <exception cref="MissingException">They do not fit together.</exception>
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
            throw new MissingException($"In {folder}, {has}/ has {names}, and {lacks}/ has not. Both need the same class folders.");
        }

        var order = ClassIndex.Order(folder, classes);
        return (FolderPart.List(train, order), FolderPart.List(val, order));
    }

    /// <summary>Lists the part for validation, where the other is not there.</summary>
    /// <exception cref="MissingException">It is not what it must be.</exception>
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
                    ? $"The images in {folder} are not sorted into class folders, so nothing says what they show. "
                        + "ImageNet's validation images come like that: docs/data.md shows how to sort them."
                    : $"{folder} has no class folders in it{what}."
            );
        }

        return classes;
    }
}
