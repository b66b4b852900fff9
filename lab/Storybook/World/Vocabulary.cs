namespace PromptToPrompt.Storybook.World;

/// <summary>The words of the world.</summary>
public static class Vocabulary
{
    /// <summary>Every word a caption can use, in lower case and without punctuation, sorted.</summary>
    public static IReadOnlyList<string> Words { get; } =
    [
        .. Lexicon.All()
            .SelectMany(phrase => phrase.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(word => word.TrimStart('*'))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];
}
