using System.Globalization;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>Prompts as they are written to prompts as the model reads them: emphasis, and windows where they are long.</summary>
internal static class PromptReading
{
    /// <summary>
    /// Reads a prompt in which <c>(word:1.3)</c> says how strongly a word speaks. This is for prompts that stand by themselves; in an edited
    /// prompt the notation re-weights attention, see <see cref="WeightedPrompt"/>.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="windows">How many windows the text encoder reads.</param>
    public static TokenizedPrompt Read(ClipTokenizer tokenizer, string prompt, int windows = 1)
    {
        var weighted = WeightedPrompt.Parse(prompt);
        var tokens = tokenizer.TokenizeChunks(weighted.Text, windows);
        return weighted.Weights.Count == 0 ? tokens : tokens with { Emphasis = Equalizer.Create(tokens, weighted.Weights) };
    }

    /// <summary>A prompt as it is written: <see cref="Read"/> makes the same of it, but for emphasis that differs within a word.</summary>
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
        // Of "cat," the comma may speak as ever.
        var isWhole = word.Tokens.All(token => emphasis[token] == strength);
        var first = isWhole ? 0 : Math.Max(0, Array.FindIndex([.. word.Text], char.IsLetterOrDigit));
        var last = isWhole ? word.Text.Length - 1 : Math.Max(first, Array.FindLastIndex([.. word.Text], char.IsLetterOrDigit));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{WeightedPrompt.Escaped(word.Text[..first])}({WeightedPrompt.Escaped(word.Text[first..(last + 1)])}:{strength}){WeightedPrompt.Escaped(word.Text[(last + 1)..])}");
    }

    /// <summary>How many windows it takes to read all of some prompts.</summary>
    public static int Windows(ClipTokenizer tokenizer, IEnumerable<string> prompts) =>
        prompts.Max(prompt => tokenizer.ChunksOf(WeightedPrompt.Parse(prompt).Text));
}
