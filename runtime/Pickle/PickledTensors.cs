using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>The classes and functions with which PyTorch's checkpoints create tensors (`torch._utils`).</summary>
internal static class PickledTensors
{
    public static IEnumerable<PickleClass> Classes { get; } =
    [
        // (storage, offset, shape, strides), then requires_grad and hooks, which are ignored.
        new("torch._utils._rebuild_tensor", arguments => Tensor(arguments, null)),
        new("torch._utils._rebuild_tensor_v2", arguments => HasNoAttributes(arguments, 6) ? Tensor(arguments, null) : throw HasAttributes()),
        // With the type after them, over an untyped storage.
        new(
            "torch._utils._rebuild_tensor_v3",
            arguments =>
                arguments is [_, _, _, _, _, _, PickleClass type, ..] && HasNoAttributes(arguments, 7)
                    ? Tensor(arguments, type.Name)
                    : throw HasAttributes()
        ),
        new("torch._utils._rebuild_parameter", Parameter),
        new("torch._utils._rebuild_parameter_with_state", Parameter),
        new("torch.nn.parameter.Parameter", Parameter),
        .. ElementType.All.SelectMany(type => new PickleClass[] { new($"torch.{type.Storage}"), new($"torch.cuda.{type.Storage}") }),
        new("torch.storage.UntypedStorage"),
        new("torch.UntypedStorage"),
    ];

    /// <summary>The storage for a persistent id: ("storage", class, key, location, count) and, in old files, a view (key, offset, count) into it.</summary>
    public static object Storage(object? id)
    {
        if (id is not object?[] parts || parts is not ["storage", PickleClass named, string or long, _, long count, ..] || count < 0)
            throw PickleStack.Damaged();
        string name = named.Name[(named.Name.LastIndexOf('.') + 1)..];
        ElementType? type = ElementType.Find(known => known.Storage == name);
        if (type is null && name != "UntypedStorage")
            throw PickleStack.Damaged();
        string key = Convert.ToString(parts[2], System.Globalization.CultureInfo.InvariantCulture)!;
        return parts.ElementAtOrDefault(5) switch
        {
            null => new PickledStorage(type, key, count, 0),
            object?[] and [_, long offset, long part] when offset >= 0 && part >= 0 && part <= count && offset <= count - part => new PickledStorage(
                type,
                key,
                part,
                offset
            ),
            _ => throw PickleStack.Damaged(),
        };
    }

    private static object Tensor(object?[] arguments, string? typeName)
    {
        if (arguments is not [PickledStorage storage, long offset, object?[] shape, object?[] strides, ..])
            throw PickleStack.Damaged();
        ElementType? type = typeName is null ? storage.Type : ElementType.Find(known => $"torch.{known.Name}" == typeName);
        if (type is null || offset < 0 || !shape.All(size => size is long) || !strides.All(step => step is long))
            throw PickleStack.Damaged();
        long[] sizes = [.. shape.Cast<long>()];
        long[] steps = [.. strides.Cast<long>()];
        if (!TensorEntry.IsPossible(sizes, steps))
            throw PickleStack.Damaged();
        return new PickledTensor(storage, type, offset, sizes, steps);
    }

    private static object Parameter(object?[] arguments) => arguments is [PickledTensor tensor, ..] ? tensor : throw PickleStack.Damaged();

    /// <summary>Whether no attribute marks the data as negated or conjugated.</summary>
    private static bool HasNoAttributes(object?[] arguments, int place) =>
        arguments.ElementAtOrDefault(place) is null or PickleDict { Entries.Count: 0 };

    private static InvalidDataException HasAttributes() => PickleClasses.Refusal("a tensor with extra attributes");
}
