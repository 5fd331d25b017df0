using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>One type of number that tensors in files are made of, under the names that each format has for it.</summary>
/// <param name="Bytes">Size of one number.</param>
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
