using static TorchSharp.torch;

namespace ChannelDistillation.Core;

/// <summary>One tensor of a file: name, type, shape, and position of its data. Several entries may share data, as views do.</summary>
/// <param name="Name">Name without the prefix of its weight set.</param>
/// <param name="Strides">In elements, not bytes; 0 or more.</param>
/// <param name="Position">Of the first element, in bytes from the start of the file.</param>
public sealed record TensorEntry(string Name, ElementType Type, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides, long Position)
{
    /// <summary>More dimensions than any network uses.</summary>
    private const int MostDimensions = 32;

    private static readonly string[] StatisticNames = ["running_mean", "running_var", "num_batches_tracked"];

    /// <summary>Number of elements; a stride of 0 repeats one stored element.</summary>
    public long Count => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>Number of stored elements from the first to the last.</summary>
    public long Extent { get; } = ExtentOf(Shape, Strides);

    /// <summary>Whether it is a BatchNorm statistic rather than a learned weight.</summary>
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

    /// <summary>Whether shape and strides are valid: not negative, and without overflow of 64 bits.</summary>
    public static bool IsPossible(IReadOnlyList<long> shape, IReadOnlyList<long> strides)
    {
        if (shape.Count != strides.Count || shape.Count > MostDimensions || shape.Concat(strides).Any(number => number < 0))
            return false;
        try
        {
            // A size of 0 must not hide an overflow, which libtorch would fail on.
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

/// <summary>An element type of tensors in files, with its name in each format.</summary>
/// <param name="Bytes">Size of one element.</param>
/// <param name="Name">PyTorch's name: `float32`.</param>
/// <param name="Storage">PyTorch's storage class: `FloatStorage`.</param>
/// <param name="Safetensors">`F32`.</param>
public sealed record ElementType(ScalarType Type, int Bytes, string Name, string Storage, string Safetensors)
{
    public static IReadOnlyList<ElementType> All { get; } =
    [
        new(ScalarType.Float64, 8, "float64", "DoubleStorage", "F64"),
        new(ScalarType.Float32, 4, "float32", "FloatStorage", "F32"),
        new(ScalarType.Float16, 2, "float16", "HalfStorage", "F16"),
        new(ScalarType.BFloat16, 2, "bfloat16", "BFloat16Storage", "BF16"),
        new(ScalarType.Int64, 8, "int64", "LongStorage", "I64"),
        new(ScalarType.Int32, 4, "int32", "IntStorage", "I32"),
        new(ScalarType.Int16, 2, "int16", "ShortStorage", "I16"),
        new(ScalarType.Int8, 1, "int8", "CharStorage", "I8"),
        new(ScalarType.Byte, 1, "uint8", "ByteStorage", "U8"),
        new(ScalarType.Bool, 1, "bool", "BoolStorage", "BOOL"),
    ];

    public bool IsFloat => Type is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    public static ElementType? Find(Func<ElementType, bool> which) => All.FirstOrDefault(which);

    public static ElementType Of(ScalarType type) => All.First(known => known.Type == type);
}
