using System.Globalization;
using System.Text;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>Compares lists of class names for messages.</summary>
internal static class ClassNames
{
    private const int Shown = 3;

    /// <summary>The names that the others do not contain: `the class cat`, `the classes cat, dog, horse and 12 more`; null if there are none.</summary>
    public static string? Without(IReadOnlyList<string> names, IReadOnlyList<string> others)
    {
        string[] missing = [.. names.Except(others)];
        var listed = string.Join(", ", missing.Take(Shown));
        return missing.Length switch
        {
            0 => null,
            1 => $"the class {listed}",
            <= Shown => $"the classes {listed}",
            _ => $"the classes {listed} and {missing.Length - Shown} more",
        };
    }

    /// <summary>A name that the others do not contain, a nearly equal other name, and the difference as a clause; null if there is no such pair.</summary>
    public static (string Name, string Other, string Difference)? NearlySame(IReadOnlyList<string> names, IReadOnlyList<string> others)
    {
        ILookup<string, string> candidates = others.Except(names).ToLookup(Folded);
        foreach (string name in names.Except(others))
        {
            foreach (string other in candidates[Folded(name)])
            {
                if (string.Equals(name, other, StringComparison.OrdinalIgnoreCase))
                    return (name, other, "they differ in case");
                if (name.Length != other.Length || !Folded(name).Contains(Letter))
                    return (name, other, $"they look alike and differ in {Codes(name, other)} and {Codes(other, name)}");
            }
        }

        return null;
    }

    /// <summary>Replaces a letter beyond ASCII, however many code points it consists of.</summary>
    private const char Letter = '\u0001';

    /// <summary>
    /// A key that is equal for different Unicode forms of a name. .NET's normalisation needs a library that some machines lack. All letters
    /// beyond ASCII are treated as equal.
    /// </summary>
    private static string Folded(string name)
    {
        var folded = new StringBuilder();
        for (TextElementEnumerator elements = StringInfo.GetTextElementEnumerator(name); elements.MoveNext(); )
        {
            string element = elements.GetTextElement();
            if (
                element.All(letter =>
                    char.IsWhiteSpace(letter) || char.GetUnicodeCategory(letter) is UnicodeCategory.Format or UnicodeCategory.Control
                )
            )
                continue;
            folded.Append(element is [< '\u0080'] ? char.ToLowerInvariant(element[0]) : Letter);
        }

        return folded.ToString();
    }

    /// <summary>The code points in which a name differs from another.</summary>
    private static string Codes(string name, string other)
    {
        int start = name.AsSpan().CommonPrefixLength(other);
        int most = Math.Min(name.Length, other.Length) - start;
        int end = 0;
        while (end < most && name[^(end + 1)] == other[^(end + 1)])
            end++;
        string codes = string.Join(' ', name[start..^end].EnumerateRunes().Select(rune => $"U+{rune.Value:X4}"));
        return codes == "" ? "no character" : codes;
    }
}
