namespace PromptToPrompt.Diffusion.Text;

/// <summary>A word that was added to a vocabulary. It stands for one or more ids, none of which any other word has.</summary>
/// <param name="Text">The word as prompts write it; case does not count. It has no white space.</param>
/// <param name="FirstId">Its first id.</param>
/// <param name="Count">How many ids it has.</param>
internal sealed record AddedToken(string Text, int FirstId, int Count)
{
    /// <summary>The word as it is compared.</summary>
    internal string Normal { get; } = PromptText.Normalize(Text);

    /// <summary>The text of one of its ids.</summary>
    internal string Name(int id) => id == FirstId ? Text : $"{Text}#{id - FirstId + 1}";

    /// <summary>Whether a normalised word has this one at a place, and not as a part of a longer word.</summary>
    internal bool IsAt(string normal, int place) =>
        normal.AsSpan(place).StartsWith(Normal, StringComparison.Ordinal) && !Joins(normal, place) && !Joins(normal, place + Normal.Length);

    private static bool Joins(string normal, int place) =>
        place > 0 && place < normal.Length && char.IsLetterOrDigit(normal[place - 1]) && char.IsLetterOrDigit(normal[place]);
}
