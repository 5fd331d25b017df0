namespace ChannelDistillation.Data.Photographs;

/// <summary>Folders of photographs: nobody fetches them, and what is in them is known when they are opened.</summary>
internal sealed class PhotographLayout : DatasetLayout
{
    public override IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder) =>
        PhotographDataset.IsThere(folder) ? [] : PhotographFolder.Missing(folder);

    public override string? StandIn(string folder) => PhotographDataset.CopyBeside(folder);

    public override IImageSet? OpenValidation(DatasetDescriptor dataset, string folder) =>
        PhotographFolder.HasValidation(folder) ? PhotographDataset.OpenValidation(dataset, folder) : null;

    public override Dataset Open(DatasetDescriptor dataset, string folder) => PhotographDataset.Open(dataset, folder);

    public override DatasetSurvey Survey(DatasetDescriptor dataset, string folder) => PhotographDataset.Survey(dataset, folder);

    public override string WhatIsMissing(DatasetDescriptor dataset, string folder) => PhotographFolder.WhatIsMissing(dataset, folder);

    public override long? BytesOnDisk(DatasetDescriptor dataset, string folder) => null;
}
