using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders.Packed;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>Opens image folders and packed copies of them.</summary>
internal static class ImageFolderDataset
{
    /// <summary>Whether a folder contains the dataset, or there is a packed copy of its original files beside it.</summary>
    public static bool Exists(string folder) => PackedFolder.Exists(folder) || ImageFolder.Exists(folder) || PackedFolder.Exists(CopyPath(folder));

    /// <summary>The dataset with its number of images, and remarks on where they are read from, which files are skipped, and what would be faster.</summary>
    /// <exception cref="MissingException">The folder cannot be used.</exception>
    public static DatasetSurvey Survey(DatasetDescriptor dataset, string folder)
    {
        var remarks = new List<string>();
        if (FindCopy(folder) is { } copy)
        {
            var index = Index(dataset, folder, copy);
            PackedFolder.CheckShards(copy, index);
            if (copy != folder)
            {
                var declared = Path.TrimEndingDirectorySeparator(dataset.Folder ?? $"data/{dataset.Name}");
                remarks.Add(
                    $"{declared} is read from its packed copy {PackedFolder.Of(declared, PackFormat.Files)}, which produces identical results."
                );
            }

            AddAdvice(index.Format == PackFormat.Files.ToString());
            return new(Counted(dataset, index.Train.Images, index.Val.Images), remarks);
        }

        var (training, validation) = List(dataset, folder);
        remarks.AddRange(training.Findings.Sentences(training.Folder).Concat(validation.Findings.Sentences(validation.Folder)));
        AddAdvice(true);
        return new(Counted(dataset, training.Files.Count, validation.Files.Count), remarks);

        void AddAdvice(bool hasFiles)
        {
            if (hasFiles && ImageDecoder.Advice(TurboJpeg.IsAvailable) is { } advice)
            {
                remarks.Add(advice);
            }
        }
    }

    /// <exception cref="MissingException">The folder cannot be used.</exception>
    public static Dataset Open(DatasetDescriptor dataset, string folder)
    {
        if (FindCopy(folder) is { } copy)
        {
            var index = Index(dataset, folder, copy);
            var (packedTraining, packedValidation) = PackedFolder.Open(copy, index);
            return new(
                Counted(dataset, packedTraining.Count, packedValidation.Count),
                Set(dataset, packedTraining, index.Classes, index.Train.Listing, isTraining: true),
                Set(dataset, packedValidation, index.Classes, index.Val.Listing, isTraining: false)
            );
        }

        var (training, validation) = List(dataset, folder);
        return new(
            Counted(dataset, training.Files.Count, validation.Files.Count),
            Set(dataset, training, isTraining: true),
            Set(dataset, validation, isTraining: false)
        );
    }

    /// <summary>Number of classes to evaluate on, in a folder or a packed copy that is not part of an experiment.</summary>
    /// <exception cref="MissingException">It is neither.</exception>
    public static int CountClasses(string folder) =>
        PackedFolder.Exists(folder) ? PackIndex.Read(folder).Classes.Count : ImageFolder.CountClasses(folder);

    /// <summary>Opens only the validation images, if there are no training images.</summary>
    /// <exception cref="MissingException">The folder cannot be used.</exception>
    public static IImageSet OpenValidation(DatasetDescriptor dataset, string folder)
    {
        var part = ImageFolder.ListValidation(folder);
        CheckClasses(dataset, part.Classes.Count, part.Folder);
        return Set(dataset, part, isTraining: false);
    }

    /// <summary>The packed copy that is read instead of a folder; null if there is none, or if the folder is one itself.</summary>
    public static string? CopyBeside(string folder) => FindCopy(folder) is { } copy && copy != folder ? copy : null;

    /// <summary>Only a copy of the original files replaces its folder, because results are identical; a resized copy is a separate dataset.</summary>
    private static string CopyPath(string folder) => PackedFolder.Of(folder, PackFormat.Files);

    private static string? FindCopy(string folder) =>
        PackedFolder.Exists(folder) ? folder
        : PackedFolder.Exists(CopyPath(folder)) ? CopyPath(folder)
        : null;

    private static PackIndex Index(DatasetDescriptor dataset, string folder, string copy)
    {
        var index = PackIndex.Read(copy);
        if (copy != folder && ImageFolder.Exists(folder) && !IsCopyOf(index, folder))
        {
            throw new MissingException(
                $"The packed copy {copy} does not match the images now in {folder}. Remove the copy, or pack the folder again: "
                    + $"dotnet fsi build.fsx data pack {dataset.Folder ?? dataset.Name} --jpeg"
            );
        }

        CheckClasses(dataset, index.Classes.Count, copy);
        return index;
    }

    private static bool IsCopyOf(PackIndex index, string folder)
    {
        var (training, validation) = ImageFolder.List(folder);
        return Is(index.Train, training) && Is(index.Val, validation);

        static bool Is(PackIndex.Part packed, FolderPart part) => packed.Listing == new Listing(part, PackFormat.Files).OfAll();
    }

    private static (FolderPart Training, FolderPart Validation) List(DatasetDescriptor dataset, string folder)
    {
        var parts = ImageFolder.List(folder);
        CheckClasses(dataset, parts.Training.Classes.Count, parts.Training.Folder);
        return parts;
    }

    private static void CheckClasses(DatasetDescriptor dataset, int classes, string folder)
    {
        if (classes != dataset.Classes)
        {
            throw new MissingException(
                dataset.Folder is null
                    ? $"{folder} has {classes} classes, but {dataset.Name} has {dataset.Classes}. Complete it, or train on it as {{ image_folder: PATH, classes: {classes} }}."
                    : $"{folder} has {classes} classes, but the experiment has `classes: {dataset.Classes}`. Write `classes: {classes}`."
            );
        }
    }

    private static DatasetDescriptor Counted(DatasetDescriptor dataset, int training, int validation) =>
        dataset with
        {
            TrainingImages = training,
            ValidationImages = validation,
        };

    private static ImageFolderSet Set(DatasetDescriptor dataset, FolderPart part, bool isTraining) =>
        Set(
            dataset,
            new FolderStore(part),
            part.Classes,
            new Listing(part, PackFormat.Files).OfAll(),
            isTraining,
            part.Findings.UsageRemarks(part.Folder)
        );

    private static ImageFolderSet Set(
        DatasetDescriptor dataset,
        IImageStore store,
        IReadOnlyList<string> classNames,
        string listing,
        bool isTraining,
        IReadOnlyList<string>? notes = null
    ) => new(store, new(dataset.Image, dataset.EvaluationResize, dataset.Normalization, classNames, isTraining), listing, notes);
}

/// <summary>The layout of image folders: they cannot be fetched, and their content is known when they are opened.</summary>
internal sealed class ImageFolderLayout : DatasetLayout
{
    public override IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder) =>
        ImageFolderDataset.Exists(folder) ? [] : ImageFolder.Missing(folder);

    public override string? FindReplacement(string folder) => ImageFolderDataset.CopyBeside(folder);

    public override IImageSet? OpenValidation(DatasetDescriptor dataset, string folder) =>
        ImageFolder.HasValidation(folder) ? ImageFolderDataset.OpenValidation(dataset, folder) : null;

    public override Dataset Open(DatasetDescriptor dataset, string folder) => ImageFolderDataset.Open(dataset, folder);

    public override DatasetSurvey Survey(DatasetDescriptor dataset, string folder) => ImageFolderDataset.Survey(dataset, folder);

    public override string MissingMessage(DatasetDescriptor dataset, string folder) => ImageFolder.MissingMessage(dataset, folder);

    public override long? BytesOnDisk(DatasetDescriptor dataset, string folder) => null;
}
