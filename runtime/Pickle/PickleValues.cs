using System.Numerics;
using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

// What a pickle may hold, in C#: null, bool, long, BigInteger, double, string, byte[], object?[] for a tuple, and the types below.

/// <summary>A list or a set.</summary>
internal sealed record PickleList(List<object?> Items);

/// <summary>A dict of any kind. Entries keep their order; of a key that is there twice the last one counts.</summary>
internal sealed record PickleDict(List<KeyValuePair<object?, object?>> Entries);

/// <summary>A class or function that a checkpoint may ask for, and what stands for its result here.</summary>
/// <param name="Make">From the arguments of the call; null: it cannot be called.</param>
internal sealed record PickleClass(string Name, Func<object?[], object?>? Make = null);

/// <summary>A block of numbers in the file.</summary>
/// <param name="Type">Null: bytes, whose type each tensor says for itself.</param>
/// <param name="Key">Names it within the file.</param>
/// <param name="Count">Numbers in it.</param>
/// <param name="Offset">Where it begins within the block of that key, in numbers.</param>
internal sealed record PickledStorage(ElementType? Type, string Key, long Count, long Offset);

/// <summary>A view of a storage; all measures in numbers.</summary>
internal sealed record PickledTensor(PickledStorage Storage, ElementType Type, long Offset, long[] Shape, long[] Strides);

/// <summary>A numpy number's type, `f8`.</summary>
internal sealed record PickledNumpyType(string Code);

internal static class PickleValues
{
    /// <summary>As one would call it in Python, for messages.</summary>
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
