using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>
/// The allow-list of names that a pickle may use, and what each one creates here. It protects this process from untrusted files: no other
/// name has any effect.
/// </summary>
internal sealed class PickleClasses(IEnumerable<PickleClass> listed)
{
    private readonly Dictionary<string, PickleClass> known = listed.ToDictionary(each => each.Name);

    /// <summary>Whether a name that is not on the list makes a <see cref="PicklePlaceholder"/>; otherwise the pickle is refused.</summary>
    public bool AllowPlaceholders { get; init; }

    /// <summary>Bytes, as Python 3 pickles them for Python 2.</summary>
    public static PickleClass Encode { get; } =
        new(
            "_codecs.encode",
            // Other codecs could run code.
            arguments => arguments is [string text, "latin1" or "latin-1"] ? System.Text.Encoding.Latin1.GetBytes(text) : null
        );

    /// <summary>The names allowed in a checkpoint: tensors and plain values.</summary>
    public static PickleClasses OfCheckpoint { get; } =
        new([
            new("collections.OrderedDict", Dict),
            new("collections.Counter", Dict),
            new("collections.defaultdict", arguments => Dict([.. arguments.Skip(1)])),
            new("builtins.dict", Dict),
            new("builtins.list", List),
            new("builtins.set", List),
            new("builtins.frozenset", List),
            new("builtins.int"),
            new("builtins.float"),
            Encode,
            new("torch.Size", arguments => arguments is [object?[] sizes] ? sizes : null),
            new("torch.device", Device),
            .. ElementType.Known.Select(type => new PickleClass($"torch.{type.Name}")),
            .. PickledTensors.Classes,
            .. NumpyNumbers.Classes,
        ])
        {
            AllowPlaceholders = true,
        };

    /// <returns>Null: the name is not on the list.</returns>
    public PickleClass? Find(string module, string name)
    {
        // Python 2 has other names for some modules.
        string full = module switch
        {
            "__builtin__" => $"builtins.{name}",
            "numpy._core.multiarray" => $"numpy.core.multiarray.{name}",
            _ => $"{module}.{name}",
        };
        return known.GetValueOrDefault(full);
    }

    /// <summary>Creates a dict from nothing, another dict, or a list of pairs.</summary>
    private static object? Dict(object?[] arguments) =>
        arguments switch
        {
            [] => new PickleDict([]),
            [PickleDict dict] => new PickleDict([.. dict.Entries]),
            [PickleList list] => new PickleDict([.. list.Items.Select(Pair)]),
            _ => null,
        };

    private static object? List(object?[] arguments) =>
        arguments switch
        {
            [] => new PickleList([]),
            [PickleList list] => new PickleList([.. list.Items]),
            _ => null,
        };

    /// <summary>From "cpu", or from "cuda" and 0.</summary>
    private static object? Device(object?[] arguments) =>
        arguments switch
        {
            [string name] => name,
            [string { Length: < 100 } name, long index] => $"{name}:{index}",
            _ => null,
        };

    private static KeyValuePair<object?, object?> Pair(object? item) =>
        item switch
        {
            object?[] { Length: 2 } pair => new(pair[0], pair[1]),
            PickleList { Items: [var key, var value] } => new(key, value),
            _ => throw PickleStack.Damaged(),
        };
}
