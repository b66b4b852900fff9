using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Cli.Runs;

/// <summary>What a person should know before the run, on standard error.</summary>
internal static class Warnings
{
    /// <summary>What is to be said of a model.</summary>
    public static void Note(IEnumerable<string> notes)
    {
        foreach (var note in notes)
            Console.Error.WriteLine($"note: {note}");
    }

    /// <summary>The prompts of a run.</summary>
    public static TokenizedPrompt[] PromptsOf(ClipTokenizer tokenizer, EditRequest request) =>
    [
        .. request.Targets.Prepend(request.Negative).Prepend(request.Source)
            .Select(prompt => PromptReading.Read(tokenizer, prompt, request.Windows)),
    ];

    /// <summary>Names words that the embedded model, or another of its world, has never been shown.</summary>
    public static void Unknown(ClipTokenizer tokenizer, params TokenizedPrompt[] prompts)
    {
        var unknown = prompts.SelectMany(Vocabulary.Unknown).Where(word => !tokenizer.IsAdded(word)).Distinct().ToList();
        if (tokenizer.VocabularySize <= StorybookArchitecture.MostTokens && unknown.Count > 0)
        {
            Console.Error.WriteLine(
                $"note: this model knows {Vocabulary.Words.Count} words (docs/storybook.md lists them); these mean nothing to it: {string.Join(", ", unknown)}");
        }
    }

    /// <summary>Names the words of prompts that the model will not see.</summary>
    public static void Truncated(params TokenizedPrompt[] prompts)
    {
        foreach (var prompt in prompts.Where(prompt => prompt.Truncated.Count > 0))
        {
            Console.Error.WriteLine(
                $"warning: the model reads {prompt.Ids.Count} tokens; these words of \"{prompt.Words.FirstOrDefault()?.Text}…\" were cut off (--long-prompts reads more): {string.Join(' ', prompt.Truncated)}");
        }
    }
}
