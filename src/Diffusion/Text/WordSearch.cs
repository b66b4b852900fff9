namespace PromptToPrompt.Diffusion.Text;

/// <summary>Finding the tokens of a word that a person names.</summary>
internal static class WordSearch
{
    private const int MaxShownLength = 80;

    /// <summary>
    /// Positions of the tokens of a word, or of a phrase of consecutive words, at every place where it occurs. Case does not count, nor
    /// does punctuation around a word: "cat" finds <c>cat,</c> and <c>"Cat"</c>. A word asked for just as it was written gives all its
    /// tokens; otherwise punctuation around it is left out.
    /// </summary>
    /// <returns>Ascending positions; the start token is position 0.</returns>
    /// <exception cref="InvalidInputException">
    /// The word is not in the prompt (the message lists the words that are), or is in the part that was truncated.
    /// </exception>
    public static IReadOnlyList<int> Find(this TokenizedPrompt prompt, string word) =>
        prompt.TryFind(word, out var tokens) ? tokens : throw new InvalidInputException(prompt.Missing(word));

    /// <summary>The same for a word that need not be in the prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="word">The word or phrase.</param>
    /// <param name="tokens">Ascending positions; empty where the prompt, or the part of it that was kept, does not have the word.</param>
    public static bool TryFind(this TokenizedPrompt prompt, string word, out IReadOnlyList<int> tokens)
    {
        var query = SpellingsOf(PromptText.Words(word));
        var kept = SpellingsOf(prompt.Words.Select(w => w.Text));
        var found = new SortedSet<int>();
        foreach (var place in Places(query, kept))
        {
            for (var i = 0; i < query.Length; i++)
            {
                var match = prompt.Words[place + i];
                found.UnionWith(query[i].Whole == kept[place + i].Whole ? match.Tokens : match.BareTokens);
            }
        }

        tokens = [.. found];
        return found.Count > 0;
    }

    /// <summary>The message that says why <see cref="Find"/> does not find a word, and what to name instead.</summary>
    public static string Missing(this TokenizedPrompt prompt, string word)
    {
        var query = SpellingsOf(PromptText.Words(word));
        if (query.Length == 0)
            return $"A word is empty. {Choice(prompt)}";
        var name = Shorten(string.Join(' ', PromptText.Words(word)));
        return Places(query, SpellingsOf(prompt.Words.Select(w => w.Text).Concat(prompt.Truncated))).Any()
            ? $"\"{name}\" is in the part of the prompt that was cut off: the model reads {prompt.Ids.Count} tokens. "
                + "Shorten the prompt, or move the word to the front."
            : $"\"{name}\" is not in the prompt. {Choice(prompt)}";
    }

    private static IEnumerable<int> Places(Spelling[] query, Spelling[] words) =>
        Enumerable.Range(0, query.Length == 0 ? 0 : Math.Max(0, words.Length - query.Length + 1))
            .Where(place => query.Zip(words.Skip(place)).All(pair => pair.First.Bare == pair.Second.Bare));

    private static Spelling[] SpellingsOf(IEnumerable<string> words) => [.. words.Select(Spelling.Of)];

    private static string Choice(TokenizedPrompt prompt) =>
        prompt.Words.Count == 0
            ? "The prompt has no words."
            : $"Use one of its words: {string.Join(", ", prompt.Words.Select(w => $"\"{Shorten(w.Text)}\"").Distinct())}.";

    private static string Shorten(string text) => text.Length <= MaxShownLength ? text : string.Concat(text.AsSpan(0, MaxShownLength), "…");

    // A word as it is compared: with its punctuation and without.
    private readonly record struct Spelling(string Whole, string Bare)
    {
        public static Spelling Of(string word)
        {
            var normal = PromptText.Normalize(word);
            return new Spelling(normal, normal[PromptText.Bare(normal)]);
        }
    }
}
