using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>The words whose regions may change, for the source and each edited prompt.</summary>
public sealed class BlendWords
{
    private const string Notation = "WORD,WORD or SOURCEWORDS:TARGETWORDS[:TARGET2WORDS…]";
    private readonly string[][] lists;

    private BlendWords(string[][] lists) => this.lists = lists;

    /// <summary>
    /// Parses <c>cat,hat</c> (the same words for all prompts, each looked up in the prompts that contain it) or
    /// <c>cat:dog,hat</c> (one list per prompt, the source first; a list may be empty).
    /// </summary>
    /// <exception cref="InvalidInputException">The text contains no word.</exception>
    public static BlendWords Parse(string text)
    {
        var lists = text.Split(':')
            .Select(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToArray();
        if (lists.All(list => list.Length == 0))
            throw new InvalidInputException($"\"{text}\" contains no word. Write {Notation}.");
        return new BlendWords(lists);
    }

    /// <summary>Reads words as <see cref="Parse"/> does.</summary>
    public static implicit operator BlendWords(string text) => Parse(text);

    /// <summary>
    /// Positions of the words' tokens in each prompt, ascending and distinct; empty for a prompt without any of the words.
    /// </summary>
    /// <param name="prompts">The source prompt, then the edited ones.</param>
    /// <param name="setting">The setting that holds these words, for errors.</param>
    /// <exception cref="InvalidInputException">
    /// A word is in none of the prompts, or not in the prompt it was given for; or the number of lists differs from the number of prompts.
    /// </exception>
    public IReadOnlyList<IReadOnlyList<int>> Find(IReadOnlyList<TokenizedPrompt> prompts, string setting)
    {
        if (lists.Length == 1)
        {
            foreach (var word in lists[0])
                WordPlaces.RequireInAny(prompts, word, setting);
            return [.. prompts.Select(prompt => PlacesOf(prompt, lists[0]))];
        }

        if (lists.Length != prompts.Count)
        {
            throw new InvalidInputException(
                setting, $"There are {lists.Length} lists of words for {prompts.Count} prompts.", $"Write {Notation}, one list per prompt.");
        }

        foreach (var (index, prompt) in prompts.Index())
            foreach (var word in lists[index])
                WordPlaces.RequireIn(prompt, word, setting, WordPlaces.RoleOf(index, prompts.Count));
        return [.. prompts.Zip(lists, PlacesOf)];
    }

    /// <summary>Whether the words are the same, in the same lists and order.</summary>
    public override bool Equals(object? obj) => obj is BlendWords other && lists.Length == other.lists.Length && lists.Zip(other.lists).All(pair => pair.First.SequenceEqual(pair.Second, StringComparer.Ordinal));

    /// <inheritdoc/>
    public override int GetHashCode() => lists.SelectMany(list => list).Aggregate(lists.Length, HashCode.Combine);

    private static IReadOnlyList<int> PlacesOf(TokenizedPrompt prompt, string[] words) =>
        [.. words.SelectMany(prompt.PlacesOf).Distinct().Order()];
}
