using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Cli.Runs;

/// <summary>What a person should know before the run, on standard error.</summary>
internal static class Warnings
{
    /// <summary>Names the words of a run's prompts that the model will not see.</summary>
    public static void Truncated(ClipTokenizer tokenizer, EditRequest request) =>
        Truncated([
            .. new[] { request.Source, request.Negative }
                .Concat(request.Targets.Select(target => WeightedPrompt.Parse(target).Text))
                .Select(tokenizer.Tokenize),
        ]);

    /// <summary>The same for prompts that are tokenized already.</summary>
    public static void Truncated(params TokenizedPrompt[] prompts)
    {
        foreach (var prompt in prompts.Where(prompt => prompt.Truncated.Count > 0))
        {
            Console.Error.WriteLine(
                $"warning: the model reads {prompt.Ids.Count} tokens; these words of \"{prompt.Words.FirstOrDefault()?.Text}…\" were cut off: {string.Join(' ', prompt.Truncated)}");
        }
    }
}
