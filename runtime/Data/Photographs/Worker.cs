using ChannelDistillation.Data.Photographs.Decoding;
using ChannelDistillation.Data.Photographs.Transforms;

namespace ChannelDistillation.Data.Photographs;

/// <summary>What one thread needs to read photographs, kept from one to the next.</summary>
internal sealed class Worker : IDisposable
{
    public PictureDecoder Decoder { get; } = new();

    public Resampler Resampler { get; } = new();

    /// <summary>For the content of a file.</summary>
    public NativeBuffer File { get; } = new();

    public void Dispose()
    {
        Decoder.Dispose();
        Resampler.Dispose();
        File.Dispose();
    }
}
