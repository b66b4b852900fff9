using System.CommandLine;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Options;

/// <summary>Whether prompts may be longer than the model's text encoder.</summary>
internal sealed class LongPromptsOption
{
    private readonly Option<bool> option = new("--long-prompts")
    {
        Description = "Read prompts longer than the text encoder's 77 tokens in several windows of that length, instead of cutting them off",
    };

    public static implicit operator Option(LongPromptsOption option) => option.option;

    public bool Read(ParseResult parse) => parse.GetValue(option);

    /// <summary>How many windows it takes to read some prompts.</summary>
    public int Windows(ParseResult parse, ClipTokenizer tokenizer, params string[] prompts) => Read(parse) ? PromptReading.Windows(tokenizer, prompts) : 1;
}
