using System.CommandLine;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Cli.Options;

/// <summary>How two prompts are aligned.</summary>
internal sealed class AlignmentOptions
{
    private readonly Option<string> kind = Parsed.Choice("--kind", "How the prompts are aligned", "auto", "auto", "replace", "refine");

    private readonly Option<string?> align = Parsed.Of<string?>(
        "--align", "An experiment: naive aligns position by position", "naive, the only experiment there is", text => text == "naive" ? text : throw new FormatException());

    public AlignmentOptions AddTo(Command command)
    {
        command.Add(kind);
        command.Add(align);
        return this;
    }

    /// <exception cref="InvalidInputException">Both options were given.</exception>
    public AlignmentKind Read(ParseResult parse)
    {
        if (parse.GetValue(align) is null)
            return Enum.Parse<AlignmentKind>(parse.GetValue(kind)!, ignoreCase: true);
        if (parse.GetResult(kind) is { Implicit: false })
            throw new InvalidInputException("--align", "It cannot be combined with --kind.", "Use one of them.");
        return AlignmentKind.Naive;
    }
}
