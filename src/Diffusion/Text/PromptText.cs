using System.Globalization;
using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>CLIP's text preprocessing before the byte-pair merges: split at white space, compose, lower-case, cut into pieces.</summary>
/// <remarks>
/// None of these rules crosses white space, so each word can be processed separately and its tokens are known.
/// </remarks>
internal static class PromptText
{
    private const char CapitalSigma = '\u03A3', FinalSigma = '\u03C2', SmallSigma = '\u03C3';

    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'\u017F"];

    /// <summary>The words of a text as written, separated by white space.</summary>
    public static IEnumerable<string> Words(string text)
    {
        for (var start = 0; start < text.Length; start++)
        {
            var end = start;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
                end++;
            if (end > start)
                yield return text[start..end];
            start = end;
        }
    }

    /// <summary>
    /// Composes and lower-cases a word like Python, which CLIP's vocabulary was made with: U+0130 becomes two characters, and a capital
    /// sigma at the end of a word becomes a final sigma. Unpaired surrogates become U+FFFD.
    /// </summary>
    public static string Normalize(string word)
    {
        if (Ascii.IsValid(word))
            return word.ToLowerInvariant();
        var runes = CanonicalComposition.Compose(word).EnumerateRunes().ToArray();
        var lower = new StringBuilder(word.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            lower.Append(runes[i].Value switch
            {
                '\u0130' => "i\u0307",
                CapitalSigma => (EndsWord(runes, i) ? FinalSigma : SmallSigma).ToString(),
                _ => Rune.ToLowerInvariant(runes[i]).ToString(),
            });
        }

        return lower.ToString();
    }

    /// <summary>The part of a normalized word without surrounding punctuation; the whole word if it is only punctuation.</summary>
    public static Range Bare(string normalized)
    {
        var start = 0;
        while (start < normalized.Length && char.IsPunctuation(normalized, start))
            start += char.IsSurrogate(normalized[start]) ? 2 : 1;
        if (start == normalized.Length)
            return Range.All;
        var end = normalized.Length;
        while (Previous(end) is var previous && char.IsPunctuation(normalized, previous))
            end = previous;
        return start..end;

        int Previous(int index) => index - (char.IsLowSurrogate(normalized[index - 1]) ? 2 : 1);
    }

    /// <summary>
    /// The length of the first piece of a normalized word by CLIP's pattern: an English contraction, a run of letters, one
    /// number character, or a run of anything else. Byte pairs are merged only within a piece.
    /// </summary>
    public static int PieceLength(ReadOnlySpan<char> rest)
    {
        foreach (var contraction in Contractions)
        {
            if (rest.StartsWith(contraction, StringComparison.Ordinal))
                return contraction.Length;
        }

        var kind = Classify(rest, out var length);
        while (kind != Kind.Number && length < rest.Length && Classify(rest[length..], out var next) == kind)
            length += next;
        return length;
    }

    private enum Kind
    {
        Letter,
        Number,
        Other,
    }

    private static Kind Classify(ReadOnlySpan<char> rest, out int length)
    {
        Rune.DecodeFromUtf16(rest, out var rune, out length);
        return Rune.IsLetter(rune) ? Kind.Letter : Rune.IsNumber(rune) ? Kind.Number : Kind.Other;
    }

    // Unicode's Final_Sigma condition: a cased letter before, none after, ignoring case-ignorable characters.
    private static bool EndsWord(Rune[] runes, int index)
    {
        int before = index - 1, after = index + 1;
        while (before >= 0 && IsCaseIgnorable(runes[before]))
            before--;
        while (after < runes.Length && IsCaseIgnorable(runes[after]))
            after++;
        return before >= 0 && IsCased(runes[before]) && (after == runes.Length || !IsCased(runes[after]));
    }

    private static bool IsCaseIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol
        || rune.Value is '\'' or '.' or ':' or 0xB7 or 0x387 or 0x55F or 0x5F4 or 0x2018 or 0x2019 or 0x2024 or 0x2027
            or 0xFE13 or 0xFE52 or 0xFE55 or 0xFF07 or 0xFF0E or 0xFF1A;

    private static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
        || rune.Value is 0xAA or 0xBA or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9)
            or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
