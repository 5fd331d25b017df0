namespace ChannelDistillation.Checkpoints;

/// <summary>One tensor of a file: what it is, and where its numbers lie. Several may lie in the same place, as views do.</summary>
/// <param name="Name">Without the prefix of its <see cref="WeightSet"/>.</param>
/// <param name="Strides">Steps in numbers, not bytes, from one index to the next, 0 or more.</param>
/// <param name="Position">Of its first number, in bytes from the start of the file.</param>
public sealed record TensorEntry(string Name, ElementType Type, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides, long Position)
{
    /// <summary>More dimensions than any network has.</summary>
    private const int MostDimensions = 32;

    private static readonly string[] StatisticNames = ["running_mean", "running_var", "num_batches_tracked"];

    /// <summary>How many numbers it shows; a stride of 0 shows one of them many times.</summary>
    public long Count => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>How many numbers lie in the file from its first to its last.</summary>
    public long Extent { get; } = ExtentOf(Shape, Strides);

    /// <summary>Whether it is what BatchNorm keeps of the images that it has seen, and no learned weight.</summary>
    public bool IsStatistic => StatisticNames.Any(ending => Name.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>`64x3x7x7`, or `scalar`.</summary>
    public string ShapeText => TextOf(Shape);

    public static string TextOf(IEnumerable<long> shape) => string.Join("x", shape) is { Length: > 0 } text ? text : "scalar";

    /// <summary>Strides of a tensor without gaps, last dimension innermost.</summary>
    public static long[] Contiguous(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        long step = 1;
        for (int i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= Math.Max(1, shape[i]);
        }
        return strides;
    }

    /// <summary>Whether shape and strides can be those of a tensor: no negative number, and none that 64 bits cannot count.</summary>
    public static bool IsPossible(IReadOnlyList<long> shape, IReadOnlyList<long> strides)
    {
        if (shape.Count != strides.Count || shape.Count > MostDimensions || shape.Concat(strides).Any(number => number < 0))
            return false;
        try
        {
            // Sizes of 0 must not hide an overflow that libtorch would stumble over.
            shape.Aggregate(1L, (count, size) => checked(count * Math.Max(1, size)));
            ExtentOf(shape, strides);
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private static long ExtentOf(IReadOnlyList<long> shape, IReadOnlyList<long> strides) =>
        shape.Contains(0) ? 0 : shape.Zip(strides).Aggregate(1L, (extent, axis) => checked(extent + (axis.First - 1) * axis.Second));
}
