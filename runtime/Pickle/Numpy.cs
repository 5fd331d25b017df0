using System.Buffers.Binary;
using System.Text;
using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>A numpy array whose data are in the pickle itself, row-major.</summary>
internal sealed class PickledArray
{
    /// <summary>`u1`, `f4`; empty until the pickle has set it.</summary>
    public string ElementType { get; private set; } = "";

    public IReadOnlyList<long> Shape { get; private set; } = [];
    public byte[]? Bytes { get; private set; }

    /// <summary>Sets (version, shape, type, whether the order is column-major, bytes); Python 2 stores the bytes in a string.</summary>
    public void SetState(object? state)
    {
        if (
            state is not object?[] parts
            || parts is not [long, object?[] shape, PickledNumpyType type, false, (string or byte[]) and var numbers]
            || !shape.All(size => size is long)
        )
            throw PickleStack.Damaged();
        ElementType = type.Code;
        Shape = [.. shape.Cast<long>()];
        Bytes = numbers as byte[] ?? Encoding.Latin1.GetBytes((string)numbers!);
    }
}

/// <summary>The only classes and functions that a pickle of numpy arrays may use.</summary>
internal static class NumpyArrays
{
    public static PickleClasses Classes { get; } =
        new([
            new("numpy.ndarray"),
            new(
                "numpy.core.multiarray._reconstruct",
                arguments => arguments is [PickleClass { Name: "numpy.ndarray" }, ..] ? new PickledArray() : throw PickleStack.Damaged()
            ),
            PickleClasses.Encode,
            .. NumpyNumbers.Classes,
        ]);

    /// <summary>A string, which Python 2 and 3 pickle differently; null for anything else.</summary>
    public static string? Text(object? value) => value is byte[] bytes ? Encoding.Latin1.GetString(bytes) : value as string;
}

/// <summary>numpy scalars, which training loops store in checkpoints (`best_accuracy`): a type code and a few bytes.</summary>
internal static class NumpyNumbers
{
    public static IEnumerable<PickleClass> Classes { get; } =
    [
        new("numpy.dtype", arguments => arguments is [string code, ..] ? new PickledNumpyType(code.TrimStart('<', '|')) : null),
        new("numpy.core.multiarray.scalar", arguments => arguments is [PickledNumpyType type, byte[] bytes] ? Value(type.Code, bytes) : null),
    ];

    /// <returns>Null for a type that is not a number, such as a text or a date.</returns>
    private static object? Value(string code, byte[] bytes) =>
        (code, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("u1", 1) => (long)bytes[0],
            ("b1", 1) => bytes[0] != 0,
            _ => null,
        };
}
