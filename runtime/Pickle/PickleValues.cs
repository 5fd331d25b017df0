using System.Numerics;
using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

// What a pickle may contain, in C#: null, bool, long, BigInteger, double, string, byte[], object?[] for a tuple, and the types below.

/// <summary>A list or a set.</summary>
internal sealed record PickleList(List<object?> Items);

/// <summary>A dict of any kind. Entries keep their order; the last entry of a repeated key counts.</summary>
internal sealed record PickleDict(List<KeyValuePair<object?, object?>> Entries);

/// <summary>A class or function that a pickle names, and how its result is created here.</summary>
/// <param name="Make">
/// Creates the result from the arguments, null if they ask for something that only Python can create; null instead of a function: it is on
/// no list, or a call of it has no meaning.
/// </param>
internal sealed record PickleClass(string Name, Func<object?[], object?>? Make = null);

/// <summary>
/// Stands for a value that only Python can create: an instance of a class, or the result of a function, that is not on the list. It is
/// inert: nothing was imported or called, and tensors in it are not used. What the pickle gave it is kept only to say where weights are.
/// </summary>
internal sealed class PicklePlaceholder(string name)
{
    /// <summary>The class or function that the pickle names.</summary>
    public string Name { get; } = name;

    /// <summary>Its attributes.</summary>
    public object? State { get; set; }

    /// <summary>Its entries, if it is a dict of its own kind.</summary>
    public PickleDict Entries { get; } = new([]);
}

/// <summary>A storage: a block of numbers in the file.</summary>
/// <param name="Type">Null: untyped bytes; each tensor states its type.</param>
/// <param name="Key">Its key within the file.</param>
/// <param name="Count">Number of elements.</param>
/// <param name="Offset">Offset within the block of that key, in elements.</param>
internal sealed record PickledStorage(ElementType? Type, string Key, long Count, long Offset);

/// <summary>A view of a storage; all sizes in elements.</summary>
internal sealed record PickledTensor(PickledStorage Storage, ElementType Type, long Offset, long[] Shape, long[] Strides);

/// <summary>Type of a numpy scalar.</summary>
internal sealed class PickledNumpyType(string code)
{
    /// <summary>Such as `f8`; with `>` before it if it is big-endian.</summary>
    public string Code { get; private set; } = code;

    /// <summary>Sets (version, byte order, ...); only the byte order matters here.</summary>
    public void SetState(object? state)
    {
        if (state is not object?[] parts || parts is not [_, string order, ..])
            throw PickleStack.Damaged();
        if (order is not ("<" or "|"))
            Code = order + Code;
    }
}
