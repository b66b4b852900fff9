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

    /// <summary>The prompt's name in errors.</summary>
    /// <param name="index">Its index among the source prompt and the targets.</param>
    /// <param name="count">Number of all these prompts.</param>
    public static string RoleOf(int index, int count) => index == 0 ? "the source prompt" : count == 2 ? "the target prompt" : $"target prompt {index}";

    /// <summary>Requires that a prompt contains the word.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="word">The word.</param>
    /// <param name="setting">The setting that names the word, for the error.</param>
    /// <param name="role">The prompt's name in errors.</param>
    /// <exception cref="InvalidInputException">The prompt does not contain the word.</exception>
    public static void RequireIn(TokenizedPrompt prompt, string word, string setting, string role)
    {
        if (prompt.PlacesOf(word).Count == 0)
            throw new InvalidInputException(setting, prompt.Missing(word, role), advice: null);
    }

    /// <summary>Requires that at least one of the target prompts contains the word.</summary>
    /// <param name="targets">The target prompts.</param>
    /// <param name="word">The word.</param>
    /// <param name="setting">The setting that names the word, for the error.</param>
    /// <exception cref="InvalidInputException">No target prompt contains the word.</exception>
    public static void RequireInTargets(IReadOnlyList<TokenizedPrompt> targets, string word, string setting)
    {
        if (targets.Count == 1)
            RequireIn(targets[0], word, setting, RoleOf(1, 2));
        else
            RequireInAny(targets, word, setting, "target prompts");
    }

    /// <summary>Requires that at least one of several prompts contains the word.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="word">The word.</param>
    /// <param name="setting">The setting that names the word, for the error.</param>
    /// <param name="role">The prompts' name in errors.</param>
    /// <exception cref="InvalidInputException">No prompt contains the word.</exception>
    public static void RequireInAny(IReadOnlyList<TokenizedPrompt> prompts, string word, string setting, string role = "prompts")
    {
        if (prompts.Any(prompt => prompt.PlacesOf(word).Count > 0))
            return;
        var words = prompts.SelectMany(prompt => prompt.Words).Select(w => $"\"{w.Text}\"").Distinct();
        throw new InvalidInputException(setting, $"\"{word}\" is in none of the {role}.", $"Use one of their words: {string.Join(", ", words)}.");
    }
}
