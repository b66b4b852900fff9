using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>Finds the words that an edit names in its prompts.</summary>
internal static class WordPlaces
{
    /// <summary>
    /// Token positions of every occurrence of a word; empty if the prompt does not contain it. An exact match has precedence: if the prompt
    /// contains the word exactly as given, only those occurrences count ("A" is then not "a"), as in the authors' code. Otherwise
    /// <see cref="WordSearch.Find"/> decides.
    /// </summary>
    public static IReadOnlyList<int> PlacesOf(this TokenizedPrompt prompt, string word)
    {
        int[] exact = [.. prompt.Words.Where(w => w.Text == word).SelectMany(w => w.Tokens)];
        if (exact.Length > 0)
            return exact;
        prompt.TryFind(word, out var found);
        return found;
    }

    /// <summary>Requires that at least one of the prompts contains the word.</summary>
    /// <param name="prompts">The prompts, at least one.</param>
    /// <param name="word">The word.</param>
    /// <param name="setting">The setting that names the word, for the error.</param>
    /// <exception cref="InvalidInputException">No prompt contains the word.</exception>
    public static void RequireIn(IReadOnlyList<TokenizedPrompt> prompts, string word, string setting)
    {
        if (prompts.Any(prompt => prompt.PlacesOf(word).Count > 0))
            return;
        if (prompts.Count == 1)
            throw new InvalidInputException(setting, prompts[0].Missing(word), advice: null);
        var words = prompts.SelectMany(prompt => prompt.Words).Select(w => $"\"{w.Text}\"").Distinct();
        throw new InvalidInputException(setting, $"\"{word}\" is in none of the prompts.", $"Use one of their words: {string.Join(", ", words)}.");
    }
}
