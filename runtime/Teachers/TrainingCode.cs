using System.Text.Json.Nodes;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Teachers;

/// <summary>
/// The code that determines the numbers of a run, as hashes of sources without comments and white space: of each of its losses and networks, and
/// of everything else that trains it.
/// </summary>
public static class TrainingCode
{
    private const string Loss = "loss ";
    private const string Network = "network ";
    private const string Rest = "training";
    private const int HashLength = 16;

    /// <summary>The files and folders whose code can change a number of a run.</summary>
    private static readonly string[] Places =
    [
        "Core/Randomness.cs",
        "Schedules/",
        "Imaging/",
        "Data/",
        "Models/",
        "Losses/",
        "Teachers/",
        "Training/",
    ];

    /// <summary>By path below `runtime`, in the order of paths; written by the build.</summary>
    private static readonly SortedDictionary<string, string> Hashes = ReadHashes();

    private static readonly Dictionary<string, string> Parts = HashParts();

    /// <summary>Hashes of all parts, to tell one build from another.</summary>
    public static string Digest { get; } = HashOf(Parts.OrderBy(part => part.Key, StringComparer.Ordinal).Select(part => $"{part.Key} {part.Value}"));

    /// <summary>The parts that train a run, each with its hash. What comes from Python is identified by its spec.</summary>
    public static JsonObject Of(RunSpec run)
    {
        IEnumerable<string> losses = run.Losses.Where(loss => loss.Script is null).Select(loss => Loss + loss.Name);
        IEnumerable<string> networks = new[] { run.Student, run.Teacher?.Model }
            .OfType<ModelSpec>()
            .Where(model => model.Script is null)
            .Select(model => Network + model.Name);
        return new(
            losses.Concat(networks).Append(Rest).Distinct().Where(Parts.ContainsKey).Select(part => KeyValuePair.Create(part, (JsonNode?)Parts[part]))
        );
    }

    /// <summary>The hash of the code that computes a teacher's outputs.</summary>
    public static string OfTeacher(ModelSpec teacher) =>
        HashOf(new[] { Network + teacher.Name, Rest }.Where(Parts.ContainsKey).Select(part => Parts[part]));

    /// <summary>The parts that this program computes with other code than the one recorded, such as `loss cd`; null if none is recorded.</summary>
    /// <param name="recorded">A result of <see cref="Of"/>, in a record.</param>
    public static IReadOnlyList<string>? Changed(JsonNode? recorded) =>
        recorded is JsonObject parts
            ? [.. parts.Where(part => Parts.GetValueOrDefault(part.Key) != (string?)part.Value).Select(part => part.Key)]
            : null;

    private static SortedDictionary<string, string> ReadHashes()
    {
        using Stream file = typeof(TrainingCode).Assembly.GetManifestResourceStream("code.txt")!;
        using var reader = new StreamReader(file);
        SortedDictionary<string, string> hashes = new(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            int end = line.LastIndexOf(' ');
            hashes[line[..end].Replace('\\', '/')] = line[(end + 1)..];
        }
        return hashes;
    }

    private static Dictionary<string, string> HashParts()
    {
        Dictionary<string, string> parts = [];
        HashSet<string> own = [];
        foreach (LossDescriptor loss in LossCatalog.All)
            Add(Loss + loss.Name, [PathOf(loss.DeclaredIn), .. loss.BuildsOn.Select(other => PathOf(other.DeclaredIn))]);
        foreach (ModelDescriptor model in ModelCatalog.All)
        {
            string path = PathOf(model.DeclaredIn);
            Add(Network + model.Name, path[..(path.LastIndexOf('/') + 1)]);
        }
        parts[Rest] = HashOf(Hashes.Where(file => Places.Any(place => IsIn(file.Key, place)) && !own.Contains(file.Key)).Select(Line));
        return parts;

        void Add(string part, params string[] places)
        {
            KeyValuePair<string, string>[] files = [.. Hashes.Where(file => places.Any(place => IsIn(file.Key, place)))];
            parts[part] = HashOf(files.Select(Line));
            own.UnionWith(files.Select(file => file.Key));
        }
    }

    private static bool IsIn(string path, string place) => path.StartsWith(place, StringComparison.Ordinal);

    private static string Line(KeyValuePair<string, string> file) => $"{file.Key} {file.Value}";

    private static string HashOf(IEnumerable<string> lines) => RecordChecksum.Of(string.Join('\n', lines))[..HashLength];

    /// <summary>The path below `runtime` of a source file, from its path where it was compiled.</summary>
    private static string PathOf(string compiled)
    {
        const string folder = "/runtime/";
        string path = compiled.Replace('\\', '/');
        return path[(path.LastIndexOf(folder, StringComparison.Ordinal) + folder.Length)..];
    }
}
