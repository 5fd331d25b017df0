namespace ChannelDistillation.Core;

/// <summary>
/// Limits on the memory and time that a file may require. Readers of untrusted files check them before they allocate, and report
/// what exceeds them. Each limit is far above what real files need.
/// </summary>
public static class FileLimits
{
    /// <summary>Bytes of an experiment file, about a thousand times the size of a large one.</summary>
    public const int ExperimentBytes = 1 << 20;

    /// <summary>Bytes of a list beside a dataset: its classes, its checksums, the index of a packed copy.</summary>
    public const int ListBytes = 64 << 20;

    /// <summary>Bytes of one image file.</summary>
    public const int ImageBytes = 256 << 20;

    /// <summary>Pixels of one image, 10,000 x 10,000. Training uses about 1/2000 of them, and decoding takes up to a gigabyte.</summary>
    public const int ImagePixels = 100_000_000;

    /// <summary>Scans of one JPEG image, each of which is a pass over all its pixels. Progressive images have about ten.</summary>
    public const int JpegScans = 100;

    /// <summary>Values described by a checkpoint, ten thousand times those of a network.</summary>
    public const int CheckpointValues = 4_000_000;

    /// <summary>Classes and functions that a checkpoint names and that are not read. Pickled models of any library name some dozens.</summary>
    public const int UnlistedClasses = 1000;

    /// <summary>Tensors of one network.</summary>
    public const int Tensors = 100_000;

    /// <summary>Bytes of a checkpoint other than tensor data. ResNet-152 with its optimizer needs 0.4 MB.</summary>
    public const int DescriptionBytes = 64 << 20;

    /// <summary>Networks in one checkpoint. Distillation code stores two, or four with averages; each is compared with every model.</summary>
    public const int Networks = 32;

    /// <summary>Characters of the name of a tensor or a class.</summary>
    public const int NameLength = 1000;
}
