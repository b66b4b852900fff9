using System.Text;

namespace PromptToPrompt.Cli.Printing;

/// <summary>
/// Makes text safe to print. Prompts, file names and names inside files can contain escape sequences, which a terminal obeys: an escape
/// character can recolor it, retitle it or hide what stands before it.
/// </summary>
internal static class Printable
{
    private const int MaxLineLength = 1000;
    private const int MaxCellLength = 60;

    /// <summary>
    /// Replaces control characters and directional formatting by JSON escapes (<c>\u001B</c>), so that JSON stays valid.
    /// Line breaks and tabs stay.
    /// </summary>
    public static string Text(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyExceptInRange(' ', '~'))
            return text.ToString();
        var shown = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (IsHarmful(character))
                shown.Append($"\\u{(int)character:X4}");
            else
                shown.Append(character);
        }

        return shown.ToString();
    }

    /// <summary>Makes a message one line: line breaks become spaces, and long messages are cut in the middle, because the advice is at the end.</summary>
    public static string Line(string text, int longest = MaxLineLength)
    {
        // Cut before searching: the text may be a whole file.
        var line = string.Join(' ', Cut(text, 2 * longest).Split((char[])['\r', '\n', '\t', '\v', '\f', ' ', '\u0085', '\u2028', '\u2029'], StringSplitOptions.RemoveEmptyEntries));
        return Cut(Text(line), longest);
    }

    /// <summary>The same for a table cell.</summary>
    public static string Cell(string text) => Line(text, MaxCellLength);

    private static string Cut(string text, int longest)
    {
        if (text.Length <= longest)
            return text;
        var (head, tail) = (longest * 2 / 3, text.Length - (longest / 3));
        if (char.IsLowSurrogate(text[head]))
            head--;
        if (char.IsLowSurrogate(text[tail]))
            tail++;
        return $"{text[..head]}… ({tail - head} more characters) …{text[tail..]}";
    }

    private static bool IsHarmful(char character) => character switch
    {
        '\n' or '\t' => false,
        < ' ' or (>= '\u007F' and <= '\u009F') => true,
        // Line and paragraph separators; embeddings, overrides and isolates of the writing direction.
        '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') => true,
        _ => false,
    };
}
