namespace ChannelDistillation.Data.Photographs;

/// <summary>Opens photographs wherever they lie.</summary>
internal static class PhotographDataset
{
    /// <summary>The dataset with the number of its images.</summary>
    /// <exception cref="MissingException">The folder is not what it must be.</exception>
    public static DatasetDescriptor Describe(DatasetDescriptor dataset, string folder)
    {
        var (training, validation) = PhotographFolder.List(dataset, folder);
        return Counted(dataset, training, validation);
    }

    /// <exception cref="MissingException">The folder is not what it must be.</exception>
    public static Dataset Open(DatasetDescriptor dataset, string folder)
    {
        var (training, validation) = PhotographFolder.List(dataset, folder);
        return new(Counted(dataset, training, validation), Set(dataset, training, true), Set(dataset, validation, false));
    }

    private static DatasetDescriptor Counted(DatasetDescriptor dataset, FolderPart training, FolderPart validation) =>
        dataset with
        {
            TrainingImages = training.Files.Count,
            ValidationImages = validation.Files.Count,
        };

    private static PhotographSet Set(DatasetDescriptor dataset, FolderPart part, bool isTraining) =>
        new(new FolderStore(part), new(dataset.Image, dataset.EvaluationResize, dataset.Normalization, isTraining));
}
