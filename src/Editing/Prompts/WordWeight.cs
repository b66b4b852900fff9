using System.Globalization;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>How strongly a word of the target prompt speaks.</summary>
/// <param name="Word">The word, or a phrase of consecutive words.</param>
/// <param name="Weight">What its attention is multiplied by: 1 changes nothing, 0 silences the word, below 0 turns it round.</param>
/// <param name="Index">
/// Which word of the prompt is meant, counted from 0, where the weight was written into the prompt; null means every word of that name.
/// </param>
public sealed record WordWeight(string Word, float Weight, int? Index = null)
{
    /// <summary>Reads <c>WORD=NUMBER</c>.</summary>
    /// <exception cref="InvalidInputException">The text is anything else.</exception>
    public static WordWeight Parse(string text)
    {
        var equals = text.LastIndexOf('=');
        var word = equals < 0 ? "" : text[..equals].Trim();
        if (word.Length == 0 || !TryParseWeight(text.AsSpan(equals + 1), out var weight))
            throw new InvalidInputException($"\"{text}\" is not WORD=NUMBER. Write for example snow=1.5.");
        return new WordWeight(word, weight);
    }

    // A plain decimal number: "1e3", "NaN" and "1,5" are none.
    internal static bool TryParseWeight(ReadOnlySpan<char> text, out float weight)
    {
        return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out weight) && float.IsFinite(weight);
    }
}
