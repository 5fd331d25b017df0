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

    /// <summary>Its whole name in the file.</summary>
    public string Key { get; } = Name;

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
/// <param name="Type">Null: recognised, but its values cannot be read.</param>
/// <param name="Bytes">Size of one element; 0 if unknown.</param>
/// <param name="Name">PyTorch's name: `float32`.</param>
/// <param name="Storage">PyTorch's storage class: `FloatStorage`; empty if it has none.</param>
/// <param name="Safetensors">`F32`; empty if the format has none.</param>
public sealed record ElementType(ScalarType? Type, int Bytes, string Name, string Storage, string Safetensors)
{
    /// <summary>The types whose values can be read.</summary>
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

    /// <summary>Types that PyTorch and safetensors write and that are not read here: of 8 bits, unsigned, complex, quantized.</summary>
    private static readonly ElementType[] Unreadable =
    [
        new(null, 1, "float8_e4m3fn", "", "F8_E4M3"),
        new(null, 1, "float8_e5m2", "", "F8_E5M2"),
        new(null, 1, "float8_e4m3fnuz", "", "F8_E4M3FNUZ"),
        new(null, 1, "float8_e5m2fnuz", "", "F8_E5M2FNUZ"),
        new(null, 1, "float8_e8m0fnu", "", "F8_E8M0"),
        new(null, 2, "uint16", "", "U16"),
        new(null, 4, "uint32", "", "U32"),
        new(null, 8, "uint64", "", "U64"),
        new(null, 8, "complex64", "ComplexFloatStorage", "C64"),
        new(null, 16, "complex128", "ComplexDoubleStorage", ""),
        new(null, 1, "qint8", "QInt8Storage", ""),
        new(null, 1, "quint8", "QUInt8Storage", ""),
        new(null, 4, "qint32", "QInt32Storage", ""),
    ];

    /// <summary>Every type with a known name.</summary>
    public static IEnumerable<ElementType> Known => All.Concat(Unreadable);

    /// <summary>A type that only its file knows.</summary>
    public static ElementType Unknown(string name) => new(null, 0, name, "", "");

    public bool IsReadable => Type is not null;

    /// <summary>Whether PyTorch must dequantize it before it can convert it.</summary>
    public bool IsQuantized => Storage.StartsWith('Q');

    public bool IsFloat => Type is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>A type of <see cref="Known"/>; null if there is none.</summary>
    public static ElementType? Find(Func<ElementType, bool> which) => Known.FirstOrDefault(which);

    public static ElementType Of(ScalarType type) => All.First(known => known.Type == type);
}
