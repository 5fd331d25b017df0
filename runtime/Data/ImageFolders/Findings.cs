namespace ChannelDistillation.Data.ImageFolders;

/// <summary>How a file that is not used as is is handled.</summary>
internal enum Effect
{
    Unused,
    Unreadable,

    /// <summary>Colours of more than 8 bits.</summary>
    ColoursCut,
}

/// <summary>Files in an image folder that are skipped, unreadable, or converted: the number of each kind, and the first file's name.</summary>
internal sealed class Findings
{
    private const int ShownKinds = 6;
    private readonly Dictionary<(Effect Effect, string Kind), (int Count, string First)> found = [];

    public bool IsEmpty => found.Count == 0;

    /// <param name="kind">For messages, after a number: "hidden", "broken link". Files of the same kind are counted together.</param>
    /// <param name="name">Relative to the folder in <see cref="Sentences"/>.</param>
    public void Add(Effect effect, string kind, string name) =>
        found[(effect, kind)] = found.TryGetValue((effect, kind), out var before) ? (before.Count + 1, before.First) : (1, name);

    /// <summary>Adds the findings of a later part.</summary>
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

    /// <summary>The sentences except those on unreadable images, which are reported when the images are read.</summary>
    public IReadOnlyList<string> UsageRemarks(string folder)
    {
        var others = new Findings();
        foreach (var (key, value) in found.Where(entry => entry.Key.Effect != Effect.Unreadable))
            others.found[key] = value;
        return [.. others.Sentences(folder)];
    }

    /// <summary>All kinds of an effect, most frequent first: "3 hidden (cat/._a.png), 1 .gif (cat/b.gif)".</summary>
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

    /// <summary>Pluralises only the nouns for files.</summary>
    private static string Counted(int count, string one, string? several = null) =>
        count == 1 ? $"1 {one}" : $"{count} {several ?? one.Replace("link", "links").Replace("image", "images")}";
}
