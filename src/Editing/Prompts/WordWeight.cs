using System.Globalization;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>The attention weight of a word of the target prompt.</summary>
/// <param name="Word">The word, or a phrase of consecutive words.</param>
/// <param name="Weight">The factor on its attention: 1 = unchanged, 0 = ignored, negative = inverted.</param>
/// <param name="Index">
/// Index of the word in the prompt, counted from 0, for a weight written in the prompt; null applies to every occurrence of the word.
/// </param>
public sealed record WordWeight(string Word, float Weight, int? Index = null)
{
    /// <summary>Parses <c>WORD=NUMBER</c>.</summary>
    /// <exception cref="InvalidInputException">The text has another form.</exception>
    public static WordWeight Parse(string text)
    {
        var equals = text.LastIndexOf('=');
        var word = equals < 0 ? "" : text[..equals].Trim();
        if (word.Length == 0 || !TryParseWeight(text.AsSpan(equals + 1), out var weight))
            throw new InvalidInputException($"\"{text}\" is not of the form WORD=NUMBER. Write for example snow=1.5.");
        return new WordWeight(word, weight);
    }

    // Accepts only plain decimal numbers: not "1e3", "NaN" or "1,5".
    internal static bool TryParseWeight(ReadOnlySpan<char> text, out float weight)
    {
        return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out weight) && float.IsFinite(weight);
    }
}
