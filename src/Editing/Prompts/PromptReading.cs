using System.Globalization;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>Converts between written prompts and tokenized prompts, with emphasis and, for long prompts, several chunks.</summary>
internal static class PromptReading
{
    /// <summary>
    /// Reads a prompt in which <c>(word:1.3)</c> sets a word's emphasis. This is for standalone prompts; in an edited prompt the same
    /// notation re-weights attention, see <see cref="WeightedPrompt"/>.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="chunks">Number of chunks that the text encoder reads.</param>
    public static TokenizedPrompt Read(ClipTokenizer tokenizer, string prompt, int chunks = 1)
    {
        var weighted = WeightedPrompt.Parse(prompt);
        var tokens = tokenizer.TokenizeChunks(weighted.Text, chunks);
        return weighted.Weights.Count == 0 ? tokens : tokens with { Emphasis = Equalizer.Create(tokens, weighted.Weights) };
    }

    /// <summary>Writes a prompt that <see cref="Read"/> reads back, except for emphasis that differs within a word.</summary>
    public static string Write(TokenizedPrompt prompt)
    {
        if (prompt.Emphasis is not { } emphasis || emphasis.All(strength => strength == 1))
            return WeightedPrompt.Parse(prompt.Text).Text == prompt.Text ? prompt.Text : WeightedPrompt.Escaped(prompt.Text);
        return string.Join(' ', [.. prompt.Words.Select(word => Write(word, emphasis)), .. prompt.Truncated.Select(WeightedPrompt.Escaped)]);
    }

    private static string Write(PromptWord word, IReadOnlyList<float> emphasis)
    {
        var strength = emphasis[word.BareTokens[0]];
        if (strength == 1)
            return WeightedPrompt.Escaped(word.Text);
        // The comma of "cat," may have no emphasis.
        var isWhole = word.Tokens.All(token => emphasis[token] == strength);
        var first = isWhole ? 0 : Math.Max(0, Array.FindIndex([.. word.Text], char.IsLetterOrDigit));
        var last = isWhole ? word.Text.Length - 1 : Math.Max(first, Array.FindLastIndex([.. word.Text], char.IsLetterOrDigit));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{WeightedPrompt.Escaped(word.Text[..first])}({WeightedPrompt.Escaped(word.Text[first..(last + 1)])}:{strength}){WeightedPrompt.Escaped(word.Text[(last + 1)..])}");
    }

    /// <summary>The number of chunks needed to read all of the prompts completely.</summary>
    public static int Chunks(ClipTokenizer tokenizer, IEnumerable<string> prompts) =>
        prompts.Max(prompt => tokenizer.ChunksOf(WeightedPrompt.Parse(prompt).Text));
}
