using CsCheck;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Tests.Alignment;

/// <summary>
/// Prompts without a vocabulary: a word is one token, or several where it is written with <c>|</c>, and a mark after it is one more.
/// </summary>
internal static class ToyPrompt
{
    private static readonly string[] Words = ["a", "cat", "dog", "red", "hip|po", "rhi|no|ceros", "on", "beach,", "with", "Cat", "."];

    /// <summary>Prompts of 0 to 12 words, many of them equal; the longest are truncated.</summary>
    public static Gen<TokenizedPrompt> Any { get; } =
        Gen.Int[0, Words.Length - 1].Select(k => Words[k]).Array[0, 12].Select(words => Of(string.Join(' ', words), length: 16));

    public static TokenizedPrompt Of(string text, int length = 40)
    {
        var tokens = new List<string> { "<start>" };
        var words = new List<(string Text, int[] Places)>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var first = tokens.Count;
            var bare = word.TrimEnd(',', '.');
            tokens.AddRange(bare.Split('|', StringSplitOptions.RemoveEmptyEntries));
            tokens.AddRange(word[bare.Length..].Select(mark => mark.ToString()));
            words.Add((word.Replace("|", "", StringComparison.Ordinal), [.. Enumerable.Range(first, tokens.Count - first)]));
        }

        var kept = words.TakeWhile(word => word.Places[^1] < length - 1).ToArray();
        if (tokens.Count > length - 1)
            tokens.RemoveRange(length - 1, tokens.Count - (length - 1));
        tokens.Add("<end>");
        var ids = tokens.Select(Id).Concat(Enumerable.Repeat(Id("<end>"), length - tokens.Count));
        return new TokenizedPrompt(
            text.Replace("|", "", StringComparison.Ordinal),
            [.. ids],
            tokens,
            [.. kept.Select(word => Word(word.Text, word.Places, tokens))],
            [.. words.Skip(kept.Length).Select(word => word.Text)]);
    }

    /// <summary>A word whose bare tokens are those between its marks.</summary>
    public static PromptWord Word(string text, int[] places, IReadOnlyList<string> tokens)
    {
        var letters = places.Where(place => tokens[place].Any(char.IsLetterOrDigit)).ToArray();
        return new PromptWord(text, places)
        {
            BareTokens = letters.Length == 0 ? places : [.. places.Where(place => place >= letters[0] && place <= letters[^1])],
        };
    }

    // Case does not count; the same in every run.
    private static int Id(string token) => token.ToLowerInvariant().Aggregate(17, (id, letter) => (id * 31 + letter) & 0xFFFFFF);
}
