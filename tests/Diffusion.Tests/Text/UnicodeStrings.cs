using CsCheck;

namespace PromptToPrompt.Diffusion.Tests.Text;

/// <summary>Generators of texts for property tests.</summary>
internal static class UnicodeStrings
{
    private static readonly string[] Awkward =
    [
        " ", "  ", "\t\r\n", "\u00A0", "\u2003", "\u2028", "\u0085", "\0", "\u001F", "\uD83D", "\uDE00", "\uFFFD", "\uFEFF", "\u200D",
        "\u0130", "\u03A3", "\u0391\u03A3", "'s", "'", "''", "\"", ",", "...", "--", "<|endoftext|>", "<|startoftext|>", "</w>", "<|",
        "👨\u200D👩\u200D👧\u200D👦", "🇫🇷", "𝒜𝓑", "𠮷", "e\u0301", "\u0301\u0323\u0345", "\u1112\u1161\u11AB", "\uFB01",
        "cat", "Cat,", "42", "½", "²",
    ];

    /// <summary>Any UTF-16 at all, unpaired surrogates included, with plenty of what tends to go wrong.</summary>
    public static readonly Gen<string> Any =
        Gen.OneOf(Gen.Int[0, Awkward.Length - 1].Select(i => Awkward[i]), Gen.Char.Select(c => c.ToString()), Gen.String[0, 4])
            .Array[0, 40].Select(string.Concat);

    /// <summary>Words of letters in either case between runs of white space.</summary>
    public static readonly Gen<string> Letters =
        Gen.Char["abcdeghinorstABCDEGHINORST  \t\n"].Array[0, 120].Select(characters => new string(characters));

    /// <summary>What white space separates, found in the slowest and most obvious way.</summary>
    public static string[] Words(string text) =>
        new string([.. text.Select(c => char.IsWhiteSpace(c) ? ' ' : c)]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
