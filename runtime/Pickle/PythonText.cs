using System.Globalization;
using System.Text;

namespace ChannelDistillation.Pickle;

/// <summary>Text of an untrusted file within messages and within Python code that a user may run.</summary>
internal static class PythonText
{
    private const int MaxShown = 100;

    /// <summary>A Python string literal. Whatever the text is, nothing in it ends the literal or the line.</summary>
    public static string Literal(string text)
    {
        var literal = new StringBuilder("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isPlain = rune.Value is >= ' ' and <= '~' and not ('"' or '\\') || (!rune.IsAscii && Rune.IsLetterOrDigit(rune));
            literal.Append(
                isPlain ? rune.ToString()
                : rune.Value is '"' or '\\' ? $"\\{rune}"
                : $"\\U{rune.Value.ToString("x8", CultureInfo.InvariantCulture)}"
            );
        }
        return literal.Append('"').ToString();
    }

    /// <summary>Whether a text can be written after a dot.</summary>
    public static bool IsAttribute(string text) =>
        text.Length > 0 && !char.IsAsciiDigit(text[0]) && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');

    /// <summary>The text for a message: shortened, and without control characters.</summary>
    public static string Visible(string text)
    {
        string shown = string.Concat(text.Take(MaxShown).Select(letter => char.IsControl(letter) ? '?' : letter));
        return text.Length > MaxShown ? shown + "..." : shown;
    }
}
