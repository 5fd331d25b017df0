namespace ChannelDistillation.Data;

/// <summary>An opened dataset.</summary>
public sealed record Dataset(DatasetDescriptor Descriptor, IImageSet Training, IImageSet Validation) : IDisposable
{
    public void Dispose()
    {
        Training.Dispose();
        Validation.Dispose();
    }
}
