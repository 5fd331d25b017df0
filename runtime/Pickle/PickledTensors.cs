using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>The classes and functions with which PyTorch's checkpoints create tensors (`torch._utils`).</summary>
internal static class PickledTensors
{
    public static IEnumerable<PickleClass> Classes { get; } =
    [
        // (storage, offset, shape, strides), then requires_grad and hooks, which are ignored.
        new("torch._utils._rebuild_tensor", arguments => Tensor(arguments, null)),
        new("torch._utils._rebuild_tensor_v2", arguments => HasNoAttributes(arguments, 6) ? Tensor(arguments, null) : null),
        // With the type after them, over an untyped storage.
        new(
            "torch._utils._rebuild_tensor_v3",
            arguments => arguments is [_, _, _, _, _, _, PickleClass type, ..] && HasNoAttributes(arguments, 7) ? Tensor(arguments, type.Name) : null
        ),
        // With the quantizer's parameters after the strides.
        new("torch._utils._rebuild_qtensor", arguments => Tensor(arguments, null)),
        // (function, type, its arguments, attributes of the Python object): a tensor with attributes, which are ignored.
        new(
            "torch._tensor._rebuild_from_type_v2",
            arguments =>
                arguments
                    is [
                        PickleClass { Name: "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2" } function,
                        PickleClass { Name: "torch.Tensor" or "torch.nn.parameter.Parameter" },
                        object?[] inner,
                        ..,
                    ]
                    ? function.Make!(inner)
                    : null
        ),
        new("torch.Tensor"),
        new("torch._utils._rebuild_parameter", Parameter),
        new("torch._utils._rebuild_parameter_with_state", Parameter),
        new("torch.nn.parameter.Parameter", Parameter),
        .. ElementType
            .Known.Where(type => type.Storage != "")
            .SelectMany(type => new PickleClass[] { new($"torch.{type.Storage}"), new($"torch.cuda.{type.Storage}") }),
        new("torch.storage.UntypedStorage"),
        new("torch.UntypedStorage"),
    ];

    /// <summary>
    /// The storage for a persistent id: ("storage", class, key, location, count) and, in old files, a view (key, offset, count) into it. In
    /// old files an id also names the class of a module, ("module", class, file, source).
    /// </summary>
    public static object Storage(object? id)
    {
        if (id is object?[] and ["module", PickleClass module, ..])
            return module;
        if (id is not object?[] parts || parts is not ["storage", PickleClass named, string or long, _, long count, ..] || count < 0)
            throw PickleStack.Damaged();
        string name = named.Name[(named.Name.LastIndexOf('.') + 1)..];
        ElementType? type = ElementType.Find(known => known.Storage == name && name != "");
        if (type is null && name != "UntypedStorage")
            throw new InvalidDataException($"contains tensors in a `{PythonText.Visible(named.Name)}`, which is not supported.");
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

    /// <returns>Null if the storage is only a placeholder.</returns>
    private static object? Tensor(object?[] arguments, string? typeName)
    {
        if (arguments is [PicklePlaceholder, ..])
            return null;
        if (arguments is not [PickledStorage storage, long offset, object?[] shape, object?[] strides, ..])
            throw PickleStack.Damaged();
        ElementType? type = typeName is null
            ? storage.Type
            : ElementType.Find(known => $"torch.{known.Name}" == typeName) ?? ElementType.Unknown(typeName[(typeName.LastIndexOf('.') + 1)..]);
        if (type is null || offset < 0 || !shape.All(size => size is long) || !strides.All(step => step is long))
            throw PickleStack.Damaged();
        long[] sizes = [.. shape.Cast<long>()];
        long[] steps = [.. strides.Cast<long>()];
        if (!TensorEntry.IsPossible(sizes, steps))
            throw PickleStack.Damaged();
        return new PickledTensor(storage, type, offset, sizes, steps);
    }

    private static object? Parameter(object?[] arguments) => arguments is [PickledTensor tensor, ..] ? tensor : null;

    /// <summary>Whether no attribute marks the data as negated or conjugated.</summary>
    private static bool HasNoAttributes(object?[] arguments, int place) =>
        arguments.ElementAtOrDefault(place) is null or PickleDict { Entries.Count: 0 };
}
