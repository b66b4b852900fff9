using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Tokenization;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>The words that say where a picture may change, for the source and each edited prompt.</summary>
public sealed class BlendWords
{
    private const string Notation = "WORD,WORD or SOURCEWORDS:TARGETWORDS[:TARGET2WORDS…]";
    private readonly string[][] lists;
    private readonly string option;

    private BlendWords(string[][] lists, string option) => (this.lists, this.option) = (lists, option);

    /// <summary>
    /// Reads <c>cat,hat</c> (the same words for all prompts, each looked up in the prompts that have it) or
    /// <c>cat:dog,hat</c> (one list for each prompt, the source first; a list may be empty).
    /// </summary>
    /// <param name="text">The words.</param>
    /// <param name="option">The option that gives them; errors name it.</param>
    /// <exception cref="InvalidInputException">The text names no word.</exception>
    public static BlendWords Parse(string text, string option = "--blend")
    {
        var lists = text.Split(':')
            .Select(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToArray();
        if (lists.All(list => list.Length == 0))
            throw new InvalidInputException($"{option}: \"{text}\" names no word; write {Notation}.");
        return new BlendWords(lists, option);
    }

    /// <summary>Positions of the words' tokens in each prompt, ascending, each once; empty where a prompt has none of the words.</summary>
    /// <param name="prompts">The source prompt, then the edited ones.</param>
    /// <exception cref="InvalidInputException">
    /// A word is in none of the prompts, or not in the prompt it was named for; or there are not as many lists as prompts.
    /// </exception>
    public IReadOnlyList<IReadOnlyList<int>> Find(IReadOnlyList<TokenizedPrompt> prompts)
    {
        if (lists.Length == 1)
        {
            foreach (var word in lists[0])
                WordPlaces.RequireIn(prompts, word, option);
            return [.. prompts.Select(prompt => PlacesOf(prompt, lists[0]))];
        }

        if (lists.Length != prompts.Count)
        {
            throw new InvalidInputException(
                $"{option} has {lists.Length} lists of words for {prompts.Count} prompts; write {Notation}, a list for each prompt.");
        }

        foreach (var (prompt, words) in prompts.Zip(lists))
            foreach (var word in words)
                WordPlaces.RequireIn([prompt], word, option);
        return [.. prompts.Zip(lists, PlacesOf)];
    }

    private static IReadOnlyList<int> PlacesOf(TokenizedPrompt prompt, string[] words) =>
        [.. words.SelectMany(prompt.PlacesOf).Distinct().Order()];
}
