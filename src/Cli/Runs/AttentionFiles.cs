using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Editing.Pipelines;
using SkiaSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Writes sheets of the recorded attention maps.</summary>
internal static class AttentionFiles
{
    public static void Add(ImageFolder folder, EditResult result)
    {
        // Empty prompts have no words to show.
        if (result.Maps is not null && result.Prompts.Any(prompt => prompt.Words.Count > 0))
        {
            Write("attention.png", AttentionSheets.Average);
            Write("attention-over-time.png", AttentionSheets.OverTime);
        }

        if (result.SelfAttention is not null)
            Write("self-attention.png", AttentionSheets.Self);

        void Write(string name, Func<EditResult, SKBitmap> draw)
        {
            using var sheet = draw(result);
            folder.Add(name, sheet);
        }
    }
}
