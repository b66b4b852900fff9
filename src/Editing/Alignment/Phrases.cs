using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>Splits a run of words into phrases, so that a change and an addition after it are kept apart.</summary>
/// <remarks>
/// A phrase ends with a comma (or another mark) and before an English preposition or conjunction. "of" does not split, because it
/// joins its two sides into one thing ("glass of water"). In other languages only the marks split, and a run without marks is one phrase.
/// </remarks>
internal static class Phrases
{
    private static readonly HashSet<string> Openers = new(StringComparer.OrdinalIgnoreCase)
    {
        "above", "across", "after", "against", "along", "amid", "among", "and", "around", "at", "before", "behind", "below", "beneath",
        "beside", "between", "beyond", "but", "by", "during", "for", "from", "in", "inside", "into", "near", "next", "on", "onto", "or",
        "outside", "over", "past", "through", "toward", "towards", "under", "underneath", "upon", "while", "with", "within", "without",
    };

    /// <summary>Whether a word is a preposition or conjunction, which begins a phrase.</summary>
    public static bool Opens(PromptWord word) => Openers.Contains(word.Text);

    /// <summary>The phrases of a run of words, in order; none is empty.</summary>
    public static IReadOnlyList<IReadOnlyList<PromptWord>> Split(IReadOnlyList<PromptWord> words)
    {
        var phrases = new List<List<PromptWord>>();
        for (var k = 0; k < words.Count; k++)
        {
            if (k == 0 || Opens(words[k]) || words[k - 1].Text[^1] is ',' or ';' or ':' or '.')
                phrases.Add([]);
            phrases[^1].Add(words[k]);
        }

        return phrases;
    }
}
