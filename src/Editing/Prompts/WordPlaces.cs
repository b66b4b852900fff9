using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>Where the words that an edit names stand in the prompts it is made of.</summary>
internal static class WordPlaces
{
    /// <summary>
    /// Positions of the tokens of a word at every place where it stands; empty where the prompt does not have it. A word that stands in
    /// the prompt just as it was asked for is taken at those places only ("A" is then not "a"), which is what the authors do; else as
    /// <see cref="WordSearch.Find"/> has it.
    /// </summary>
    public static IReadOnlyList<int> PlacesOf(this TokenizedPrompt prompt, string word)
    {
        int[] exact = [.. prompt.Words.Where(w => w.Text == word).SelectMany(w => w.Tokens)];
        if (exact.Length > 0)
            return exact;
        prompt.TryFind(word, out var found);
        return found;
    }

    /// <summary>Requires that at least one of the prompts has the word.</summary>
    /// <param name="prompts">The prompts, at least one.</param>
    /// <param name="word">The word.</param>
    /// <param name="setting">The setting that names the word, for the error.</param>
    /// <exception cref="InvalidInputException">None of them has it.</exception>
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
