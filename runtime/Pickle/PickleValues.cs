using System.Numerics;
using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

// What a pickle may contain, in C#: null, bool, long, BigInteger, double, string, byte[], object?[] for a tuple, and the types below.

/// <summary>A list or a set.</summary>
internal sealed record PickleList(List<object?> Items);

/// <summary>A dict of any kind. Entries keep their order; the last entry of a repeated key counts.</summary>
internal sealed record PickleDict(List<KeyValuePair<object?, object?>> Entries);

/// <summary>A class or function that a checkpoint may use, and how its result is created here.</summary>
/// <param name="Make">Creates the result from the arguments; null: it cannot be called.</param>
internal sealed record PickleClass(string Name, Func<object?[], object?>? Make = null);

/// <summary>A storage: a block of numbers in the file.</summary>
/// <param name="Type">Null: untyped bytes; each tensor states its type.</param>
/// <param name="Key">Its key within the file.</param>
/// <param name="Count">Number of elements.</param>
/// <param name="Offset">Offset within the block of that key, in elements.</param>
internal sealed record PickledStorage(ElementType? Type, string Key, long Count, long Offset);

/// <summary>A view of a storage; all sizes in elements.</summary>
internal sealed record PickledTensor(PickledStorage Storage, ElementType Type, long Offset, long[] Shape, long[] Strides);

/// <summary>Type of a numpy scalar, such as `f8`.</summary>
internal sealed record PickledNumpyType(string Code);

internal static class PickleValues
{
    /// <summary>The Python type name, for messages.</summary>
    public static string KindOf(object? value) =>
        value switch
        {
            null => "None",
            bool => "bool",
            long or BigInteger => "int",
            double => "float",
            string => "str",
            byte[] => "bytes",
            object?[] => "tuple",
            PickleList => "list",
            PickleDict => "dict",
            PickledTensor => "tensor",
            PickleClass named => named.Name,
            _ => "value",
        };
}
