using System.Buffers.Binary;

namespace ChannelDistillation.Checkpoints.Pickle;

/// <summary>Single numbers of numpy, as training loops leave them in checkpoints (`best_accuracy`): a type's code and a few bytes.</summary>
internal static class NumpyNumbers
{
    public static IEnumerable<PickleClass> Classes { get; } =
    [
        new(
            "numpy.dtype",
            arguments => arguments is [string code, ..] ? new PickledNumpyType(code.TrimStart('<', '|')) : throw PickleStack.Damaged()
        ),
        new(
            "numpy.core.multiarray.scalar",
            arguments => arguments is [PickledNumpyType type, byte[] bytes] ? Value(type.Code, bytes) : throw PickleStack.Damaged()
        ),
    ];

    /// <summary>(version, order of bytes, ...); only the order matters here.</summary>
    public static void CheckState(object? state)
    {
        if (state is not object?[] parts || parts is not [_, "<" or "|", ..])
            throw PickleStack.Damaged();
    }

    private static object Value(string code, byte[] bytes) =>
        (code, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("u1", 1) => (long)bytes[0],
            ("b1", 1) => bytes[0] != 0,
            _ => throw PickleClasses.Refusal($"a numpy number of type {code}"),
        };
}
