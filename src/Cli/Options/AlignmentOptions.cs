using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options of the alignment.</summary>
internal sealed class AlignmentOptions
{
    private readonly Option<string> kind = Parsed.Choice("--kind", "Alignment of the prompts", "auto", "auto", "replace", "refine", "naive").In(HelpGroup.Edit);

    // The earlier form of --kind naive.
    private readonly Option<string?> align = Hidden(Parsed.Of<string?>("--align", "The same as --kind naive", "naive", text => text == "naive" ? text : throw new FormatException()));

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
        if (parse.IsGiven(kind))
            throw new InvalidInputException("--align", "It cannot be combined with --kind.", "Use one of them.");
        return AlignmentKind.Naive;
    }

    private static Option<string?> Hidden(Option<string?> option)
    {
        option.Hidden = true;
        return option;
    }
}
