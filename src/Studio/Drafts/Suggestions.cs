using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Studio.Drafts;

/// <summary>Suggests words that a model was trained on; nothing for a model that does not list them.</summary>
internal static class Suggestions
{
    private const int MaxChoices = 12;

    /// <summary>Prompt of the first picture, with a seed that suits the embedded model.</summary>
    public const string FirstPrompt = "a white house in a field";

    public const ulong FirstSeed = 4;

    /// <summary>Guidance that suits the embedded model.</summary>
    public const double StorybookGuidance = 5;

    /// <summary>Words of a prompt that the model was not trained on.</summary>
    /// <param name="words">The model's words.</param>
    /// <param name="text">The prompt.</param>
    /// <param name="learned">Words that it learned since.</param>
    public static IEnumerable<string> Unknown(ModelWords? words, string text, IReadOnlyList<string> learned) =>
        words?.Unknown(Draft.Split(text).Where(word => !learned.Any(known => word.Contains(known, StringComparison.OrdinalIgnoreCase)))) ?? [];

    /// <summary>Words that could replace a word.</summary>
    public static IEnumerable<string> InsteadOf(ModelWords? words, string word) => words?.InsteadOf(word).Take(MaxChoices) ?? [];

    /// <summary>Words to insert before a word.</summary>
    /// <param name="words">The model's words.</param>
    /// <param name="draft">The draft.</param>
    /// <param name="index">Index of that word; the number of words for the end.</param>
    public static IEnumerable<string> Before(ModelWords? words, Draft draft, int index)
    {
        if (words is null)
            return [];
        if (index == 0)
            return words.Beginnings;
        if (index == draft.Words.Count)
            return words.Endings.Where(phrase => !draft.Text.Contains(phrase, StringComparison.OrdinalIgnoreCase));
        return draft.Words[index].Text is { } next && words.InsteadOf(next).Count > 0 && draft.Words[index - 1].Text is "a" or "an" or "the"
            ? words.Adjectives.Take(MaxChoices)
            : [];
    }
}
