using PromptToPrompt.Diffusion.Tokenization;

namespace PromptToPrompt.Storybook.World;

/// <summary>The words of the world.</summary>
public static class Vocabulary
{
    private static readonly char[] Punctuation = [.. "\".,:;!?()[]-–—…"];

    /// <summary>Every word a caption can use, in lower case and without punctuation, sorted.</summary>
    public static IReadOnlyList<string> Words { get; } =
    [
        .. Lexicon.All()
            .SelectMany(phrase => phrase.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(word => word.TrimStart('*'))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static readonly HashSet<string> Known = [.. Words];

    /// <summary>The words of a prompt that no caption uses, as they were written, each once.</summary>
    public static IReadOnlyList<string> Unknown(TokenizedPrompt prompt) =>
    [
        .. prompt.Words.Select(word => word.Text.Trim(Punctuation)).Where(word => word.Length > 0 && !Known.Contains(word.ToLowerInvariant())).Distinct(),
    ];
}
