namespace PromptToPrompt.Diffusion.Text;

/// <summary>Finds the tokens of a word that a user names.</summary>
internal static class WordSearch
{
    private const int MaxShownLength = 80;

    /// <summary>
    /// Token positions of a word, or of a phrase of consecutive words, at every occurrence. Case and surrounding punctuation are
    /// ignored: "cat" finds <c>cat,</c> and <c>"Cat"</c>. A word given exactly as written yields all its tokens; otherwise the tokens of
    /// surrounding punctuation are left out.
    /// </summary>
    /// <returns>Ascending positions; the start token is position 0.</returns>
    /// <exception cref="InvalidInputException">
    /// The word is not in the prompt (the message lists its words), or is in the truncated part.
    /// </exception>
    public static IReadOnlyList<int> Find(this TokenizedPrompt prompt, string word) =>
        prompt.TryFind(word, out var tokens) ? tokens : throw new InvalidInputException(prompt.Missing(word));

    /// <summary>Finds a word that may be missing from the prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="word">The word or phrase.</param>
    /// <param name="tokens">Ascending positions; empty if the word is missing or truncated.</param>
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

    /// <summary>The error message for a word that <see cref="Find"/> does not find, with advice.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="word">The word or phrase.</param>
    /// <param name="role">The prompt's name in errors.</param>
    public static string Missing(this TokenizedPrompt prompt, string word, string role = "the prompt")
    {
        var query = SpellingsOf(PromptText.Words(word));
        if (query.Length == 0)
            return $"A word is empty. {Choice(prompt, role)}";
        var name = Shorten(string.Join(' ', PromptText.Words(word)));
        return Places(query, SpellingsOf(prompt.Words.Select(w => w.Text).Concat(prompt.Truncated))).Any()
            ? $"\"{name}\" is in the part of {role} that was cut off: the model reads {prompt.Ids.Count} tokens. "
                + "Shorten the prompt, or move the word to the front."
            : prompt.Words.Count == 0 ? $"\"{name}\" is not in {role}, which has no words."
            : $"\"{name}\" is not in {role} \"{Shorten(string.Join(' ', PromptText.Words(prompt.Text)))}\". {Choice(prompt, role)}";
    }

    private static IEnumerable<int> Places(Spelling[] query, Spelling[] words) =>
        Enumerable.Range(0, query.Length == 0 ? 0 : Math.Max(0, words.Length - query.Length + 1))
            .Where(place => query.Zip(words.Skip(place)).All(pair => pair.First.Bare == pair.Second.Bare));

    private static Spelling[] SpellingsOf(IEnumerable<string> words) => [.. words.Select(Spelling.Of)];

    private static string Choice(TokenizedPrompt prompt, string role) =>
        prompt.Words.Count == 0
            ? $"{char.ToUpperInvariant(role[0])}{role[1..]} has no words."
            : $"Use one of its words: {string.Join(", ", prompt.Words.Select(w => $"\"{Shorten(w.Text)}\"").Distinct())}.";

    private static string Shorten(string text) => text.Length <= MaxShownLength ? text : string.Concat(text.AsSpan(0, MaxShownLength), "…");

    // A word in its forms for comparison: with and without punctuation.
    private readonly record struct Spelling(string Whole, string Bare)
    {
        public static Spelling Of(string word)
        {
            var normal = PromptText.Normalize(word);
            return new Spelling(normal, normal[PromptText.Bare(normal)]);
        }
    }
}
