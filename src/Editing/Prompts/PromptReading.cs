using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Editing.Edits;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>Prompts as they are written to prompts as the model reads them: emphasis, and windows where they are long.</summary>
public static class PromptReading
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
        var tokens = tokenizer.TokenizeWindows(weighted.Text, windows);
        return weighted.Weights.Count == 0 ? tokens : tokens with { Emphasis = Equalizer.Create(tokens, weighted.Weights) };
    }

    /// <summary>How many windows it takes to read all of some prompts.</summary>
    public static int Windows(ClipTokenizer tokenizer, IEnumerable<string> prompts) =>
        prompts.Max(prompt => tokenizer.WindowsOf(WeightedPrompt.Parse(prompt).Text));
}
