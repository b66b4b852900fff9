using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Options;

/// <summary>The option <c>--long-prompts</c>.</summary>
internal sealed class LongPromptsOption
{
    private readonly Option<bool> option = new("--long-prompts")
    {
        Description = "Encode prompts of more than 77 tokens in chunks of 77 instead of truncating them",
        Group = HelpGroup.Sampling,
    };

    public static implicit operator Option(LongPromptsOption option) => option.option;

    public bool Read(ParseResult parse) => parse.GetValue(option);

    /// <summary>Number of chunks for some prompts.</summary>
    public int Chunks(ParseResult parse, ClipTokenizer tokenizer, params string[] prompts) => Read(parse) ? PromptReading.Chunks(tokenizer, prompts) : 1;
}
