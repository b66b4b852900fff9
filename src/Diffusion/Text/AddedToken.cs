namespace PromptToPrompt.Diffusion.Text;

/// <summary>A word that was added to a vocabulary, with one or more ids of its own.</summary>
/// <param name="Text">The word as written in prompts, without white space; case is ignored.</param>
/// <param name="FirstId">Its first id.</param>
/// <param name="Count">Number of its ids.</param>
internal sealed record AddedToken(string Text, int FirstId, int Count)
{
    /// <summary>The normalized word, for comparison.</summary>
    internal string Normal { get; } = PromptText.Normalize(Text);

    /// <summary>The display text of one of its ids.</summary>
    internal string Name(int id) => id == FirstId ? Text : $"{Text}#{id - FirstId + 1}";

    /// <summary>Whether the word occurs at a position of a normalized text, and not inside a longer word.</summary>
    internal bool IsAt(string normal, int place) =>
        normal.AsSpan(place).StartsWith(Normal, StringComparison.Ordinal) && !Joins(normal, place) && !Joins(normal, place + Normal.Length);

    /// <summary>Whether a text contains the word.</summary>
    internal bool IsIn(string text)
    {
        var normal = PromptText.Normalize(text);
        return Enumerable.Range(0, normal.Length).Any(place => IsAt(normal, place));
    }

    private static bool Joins(string normal, int place) =>
        place > 0 && place < normal.Length && char.IsLetterOrDigit(normal[place - 1]) && char.IsLetterOrDigit(normal[place]);
}
