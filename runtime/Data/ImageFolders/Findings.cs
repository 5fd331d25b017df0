namespace ChannelDistillation.Data.ImageFolders;

/// <summary>What comes of a file that is not used as it is.</summary>
internal enum Effect
{
    Unused,
    Unreadable,

    /// <summary>Colours of more than 8 bits.</summary>
    ColoursCut,
}

/// <summary>What in a folder of images is not used, cannot be read, or is not used as it is: how many of each kind, and the first one's name.</summary>
internal sealed class Findings
{
    private const int ShownKinds = 6;
    private readonly Dictionary<(Effect Effect, string Kind), (int Count, string First)> found = [];

    public bool IsEmpty => found.Count == 0;

    /// <param name="kind">For messages, after a number: "hidden", "broken link". The same for all whose number matters together.</param>
    /// <param name="name">Relative to the folder that <see cref="Sentences"/> names.</param>
    public void Add(Effect effect, string kind, string name) =>
        found[(effect, kind)] = found.TryGetValue((effect, kind), out var before) ? (before.Count + 1, before.First) : (1, name);

    /// <summary>Adds those of a part that comes after what is here.</summary>
    public void Add(Findings others)
    {
        foreach (var (key, (count, first)) in others.found)
            found[key] = found.TryGetValue(key, out var before) ? (before.Count + count, before.First) : (count, first);
    }

    /// <summary>One sentence for each effect that occurs.</summary>
    public IEnumerable<string> Sentences(string folder)
    {
        if (Count(Effect.Unused) is > 0 and var unused)
            yield return $"In {folder}, {Counted(unused, "entry is", "entries are")} not used: {Kinds(Effect.Unused)}.";
        if (Count(Effect.Unreadable) is > 0 and var unreadable)
            yield return $"In {folder}, {Counted(unreadable, "image")} cannot be read: {Kinds(Effect.Unreadable)}.";
        if (Count(Effect.ColoursCut) is > 0 and var colours)
            yield return $"In {folder}, {Counted(colours, "image has", "images have")} more than 8 bits per channel ({First(Effect.ColoursCut)}): the upper 8 "
                + "are used, as in Pillow.";
    }

    /// <summary>The sentences without those that reading the images says anyway: of images that cannot be read.</summary>
    public IReadOnlyList<string> NotesOfUse(string folder)
    {
        var others = new Findings();
        foreach (var (key, value) in found.Where(entry => entry.Key.Effect != Effect.Unreadable))
            others.found[key] = value;
        return [.. others.Sentences(folder)];
    }

    /// <summary>All kinds of an effect, the most frequent first: "3 hidden (cat/._a.png), 1 .gif (cat/b.gif)".</summary>
    public string Kinds(Effect effect)
    {
        var kinds = found
            .Where(entry => entry.Key.Effect == effect)
            .OrderByDescending(entry => entry.Value.Count)
            .ThenBy(entry => entry.Key.Kind, StringComparer.Ordinal)
            .ToArray();
        var shown = kinds.Take(ShownKinds).Select(entry => $"{Counted(entry.Value.Count, entry.Key.Kind)} ({entry.Value.First})");
        int others = kinds.Skip(ShownKinds).Sum(entry => entry.Value.Count);
        return string.Join(", ", others > 0 ? shown.Append($"{others} of other kinds") : shown);
    }

    private int Count(Effect effect) => found.Where(entry => entry.Key.Effect == effect).Sum(entry => entry.Value.Count);

    private string First(Effect effect) => found.First(entry => entry.Key.Effect == effect).Value.First;

    /// <summary>Only nouns that stand for files have a plural.</summary>
    private static string Counted(int count, string one, string? several = null) =>
        count == 1 ? $"1 {one}" : $"{count} {several ?? one.Replace("link", "links").Replace("image", "images")}";
}
