namespace ChannelDistillation.Core;

/// <summary>
/// How much memory and time a file may ask for. Readers of files that others wrote take their limits from here, check them before they allocate,
/// and refuse in words what exceeds them. Each limit is far above what real files need.
/// </summary>
public static class FileLimits
{
    /// <summary>Bytes of an experiment, a thousand times those of the largest worth reading.</summary>
    public const int ExperimentBytes = 1 << 20;

    /// <summary>Bytes of a list beside a dataset: its classes, its checksums, the index of a packed copy.</summary>
    public const int ListBytes = 64 << 20;

    /// <summary>Bytes of one image file.</summary>
    public const int ImageBytes = 256 << 20;

    /// <summary>Pixels of one image, 10,000 x 10,000: training sees a two-thousandth of them, and decoding takes up to a gigabyte.</summary>
    public const int ImagePixels = 100_000_000;

    /// <summary>Scans of one JPEG image; each is a pass over all of its pixels. Progressive ones have about ten.</summary>
    public const int JpegScans = 100;

    /// <summary>Values that a checkpoint describes, ten thousand times those of a network.</summary>
    public const int CheckpointValues = 4_000_000;

    /// <summary>Tensors of one network.</summary>
    public const int Tensors = 100_000;

    /// <summary>Bytes of a checkpoint that are not numbers of tensors: ResNet-152 with its optimizer needs 0.4 MB.</summary>
    public const int DescriptionBytes = 64 << 20;

    /// <summary>Networks in one checkpoint. Distillation keeps two, with averages four; each is compared with every model.</summary>
    public const int Networks = 32;

    /// <summary>Characters of the name of a tensor or a class.</summary>
    public const int NameLength = 1000;
}
