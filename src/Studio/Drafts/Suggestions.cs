using System.Collections.Frozen;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Studio.Drafts;

/// <summary>Words to offer. They are those of the embedded model's world, which is also what a newcomer tries first on any other model.</summary>
internal static class Suggestions
{
    private const int Most = 12;
    private static readonly FrozenSet<string> Known = Vocabulary.Words.ToFrozenSet();

    /// <summary>The prompt of a first visit, and the seed that the embedded model draws it well with.</summary>
    public const string FirstPrompt = "a white house in a field";

    public const ulong FirstSeed = 4;

    /// <summary>Guidance that suits the embedded model.</summary>
    public const double StorybookGuidance = 5;

    /// <summary>Words that the embedded model was never shown.</summary>
    /// <param name="model">Name of the model; of any other, nothing is known.</param>
    /// <param name="text">A prompt.</param>
    public static IEnumerable<string> Unknown(string model, string text) => Path.GetFileName(model) != "storybook" ? []
        : Draft.Split(text).Select(word => word.Trim(',', '.', ';', ':', '!', '?', '"', '(', ')')).Where(word => !Known.Contains(word.ToLowerInvariant())).Distinct();

    /// <summary>What could stand in a word's place.</summary>
    public static IEnumerable<string> InsteadOf(string word) => WordChoices.InsteadOf(word).Take(Most);

    /// <summary>What could stand between two words.</summary>
    /// <param name="draft">The draft.</param>
    /// <param name="index">The word it would stand before; the number of words for behind the last.</param>
    public static IEnumerable<string> Before(Draft draft, int index)
    {
        var words = draft.Words;
        if (index == 0)
            return WordChoices.Beginnings;
        if (index == words.Count)
            return WordChoices.Endings.Where(phrase => !draft.Text.Contains(phrase, StringComparison.OrdinalIgnoreCase));
        return words[index].Text is { } next && WordChoices.InsteadOf(next).Count > 0 && words[index - 1].Text is "a" or "an" or "the"
            ? WordChoices.Adjectives.Take(Most)
            : [];
    }
}
