using ChannelDistillation.Core;
using ChannelDistillation.Pickle;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// One line of Python that makes a readable file of an unreadable one. Loading a pickle in Python runs whatever code is in it, so that
/// every message with such a line begins with <see cref="Trust"/>, unless the format has no code.
/// </summary>
internal static class PythonLine
{
    public const string Trust = "If you trust the file, whose code Python runs,";

    /// <summary>A line with more names than this is not readable.</summary>
    public const int MostNames = 10;

    /// <summary>Searching more values than this for weights is not worthwhile.</summary>
    private const int MostVisited = 100_000;

    private const int MaxDepth = 8;

    /// <summary>Saves the same content again.</summary>
    public static string Resave(string path) => $"import torch; torch.save({Loaded(path)}, {New(path, "saved", ".pth")})";

    /// <summary>Saves the content of a file of Python's own pickle module.</summary>
    public static string OfPickle(string path) =>
        $"import pickle, torch; torch.save(pickle.load(open({PythonText.Literal(path)}, \"rb\")), {New(path, "saved", ".pth")})";

    /// <summary>Saves the weights of a TorchScript archive.</summary>
    public static string OfScript(string path) =>
        $"import torch; torch.save(torch.jit.load({PythonText.Literal(path)}, map_location=\"cpu\").state_dict(), {New(path, "weights", ".pth")})";

    /// <summary>Saves weights that only Python can extract: of a pickled module, a custom dict class, or numpy arrays. Null if there are none.</summary>
    public static string? OfPlaceholders(string path, object? content) =>
        Find(content, Loaded(path)) is string weights ? $"import torch; torch.save({weights}, {New(path, "weights", ".pth")})" : null;

    /// <summary>Saves a network as float32.</summary>
    public static string AsFloat32(CheckpointFile file, WeightSet set)
    {
        string value = set.Tensors.Any(tensor => tensor.Type.IsQuantized)
            ? "(value.dequantize() if value.is_quantized else value).float()"
            : "value.float()";
        return Filtered(file, set, $"name: {value}", "", "float32");
    }

    /// <summary>Saves a network without some of its tensors.</summary>
    public static string Without(CheckpointFile file, WeightSet set, IEnumerable<string> names) =>
        Filtered(file, set, "name: value", $" if name not in [{string.Join(", ", names.Select(PythonText.Literal))}]", "weights");

    private static string Filtered(CheckpointFile file, WeightSet set, string pair, string condition, string what)
    {
        string path = file.Path;
        bool isSafetensors = file.Format == CheckpointFormat.Safetensors;
        string from = isSafetensors
            ? $"load_file({PythonText.Literal(path)})"
            : Loaded(path) + string.Concat(set.Keys.Select(key => $"[{PythonText.Literal(key)}]"));
        string dict = $"{{{pair} for name, value in {from}.items(){condition}}}";
        return isSafetensors
            ? $"from safetensors.torch import load_file, save_file; save_file({dict}, {New(path, what, ".safetensors")})"
            : $"import torch; torch.save({dict}, {New(path, what, ".pth")})";
    }

    private static string Loaded(string path) => $"torch.load({PythonText.Literal(path)}, map_location=\"cpu\", weights_only=False)";

    /// <summary>The name of the new file, in the folder of the old.</summary>
    private static string New(string path, string what, string extension) =>
        PythonText.Literal(Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}-{what}{extension}"));

    /// <summary>The expression of the first weights in a value, breadth first, so that the outermost network is found.</summary>
    private static string? Find(object? content, string expression)
    {
        // What is within dicts alone is read here; what else contains it is not.
        var pending = new Queue<(object? Value, string Expression, int Depth, bool IsReadable)>([(content, expression, 0, true)]);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        while (pending.TryDequeue(out var next) && seen.Count < MostVisited)
        {
            if (next.Value is null or string || next.Depth > MaxDepth || !seen.Add(next.Value))
                continue;
            if (Weights(next.Value, next.Expression, next.IsReadable) is string found)
                return found;
            foreach (var (value, inner) in Children(next.Value, next.Expression))
                pending.Enqueue((value, inner, next.Depth + 1, next.IsReadable && next.Value is PickleDict));
        }
        return null;
    }

    private static string? Weights(object value, string expression, bool isReadable) =>
        value switch
        {
            PicklePlaceholder placeholder when IsModule(placeholder) => $"{expression}.state_dict()",
            PicklePlaceholder { Entries: var entries } when HasTensors(entries) => $"dict({expression})",
            PickleDict dict when !isReadable && HasTensors(dict) => expression,
            PickleDict dict when dict.Entries.Any(entry => entry.Value is PicklePlaceholder { Name: "torch._utils._rebuild_sparse_tensor" }) =>
                $"{{name: value.to_dense() for name, value in {expression}.items() if hasattr(value, \"to_dense\")}}",
            // Not an array beside other values, such as an index of classes.
            PickleDict dict
                when dict.Entries.Count(entry => entry is { Key: string, Value: PicklePlaceholder array } && IsArray(array)) * 2
                    > dict.Entries.Count => $"{{name: torch.as_tensor(value) for name, value in {expression}.items() if hasattr(value, \"dtype\")}}",
            _ => null,
        };

    private static IEnumerable<(object? Value, string Expression)> Children(object value, string expression) =>
        value switch
        {
            PickleDict dict => dict
                .Entries.Where(entry => entry.Key is string name && !WeightSets.IsTrainingState(name))
                .Select(entry => (entry.Value, $"{expression}[{PythonText.Literal((string)entry.Key!)}]")),
            PickleList list => list.Items.Select((item, index) => (item, $"{expression}[{index}]")),
            object?[] tuple => tuple.Select((item, index) => (item, $"{expression}[{index}]")),
            PicklePlaceholder placeholder => Children(placeholder.Entries, expression)
                .Concat(
                    Attributes(placeholder)
                        .Where(entry => entry.Key is string name && PythonText.IsAttribute(name))
                        .Select(entry => (entry.Value, $"{expression}.{entry.Key}"))
                ),
            _ => [],
        };

    /// <summary>A network has a matrix; other objects keep single vectors.</summary>
    private static bool HasTensors(PickleDict dict) =>
        dict.Entries.Any(entry => entry is { Key: string, Value: PickledTensor { Shape.Length: > 1 } });

    /// <summary>A subclass of torch.nn.Module keeps its parameters and submodules in these attributes.</summary>
    private static bool IsModule(PicklePlaceholder placeholder) =>
        Attributes(placeholder).Select(entry => entry.Key).Intersect(["_parameters", "_modules"]).Count() == 2;

    private static bool IsArray(PicklePlaceholder placeholder) =>
        placeholder.Name.StartsWith("numpy.", StringComparison.Ordinal)
        && (
            placeholder.Name.EndsWith("._reconstruct", StringComparison.Ordinal)
            || placeholder.Name.EndsWith("._frombuffer", StringComparison.Ordinal)
        );

    /// <summary>The state of an object: a dict, or a pair of a dict and its slots.</summary>
    private static IEnumerable<KeyValuePair<object?, object?>> Attributes(PicklePlaceholder placeholder) =>
        (placeholder.State as PickleDict ?? (placeholder.State as object?[])?.OfType<PickleDict>().FirstOrDefault())?.Entries ?? [];
}
