using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Options;

/// <summary>The option <c>--keep-outside</c>.</summary>
/// <param name="group">The heading in help.</param>
/// <param name="description">Which pixels it keeps.</param>
internal sealed class KeepOutsideOption(HelpGroup group, string description)
{
    private readonly Option<bool> keep = new("--keep-outside")
    {
        Description = description,
        Group = group,
        HelpName = "true|false",
        Arity = ArgumentArity.ExactlyOne,
        DefaultValueFactory = _ => true,
    };

    public void AddTo(Command command) => command.Add(keep);

    public bool Read(ParseResult parse) => parse.GetValue(keep);

    /// <summary>Refuses the option if it would have no effect.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="problem">Why.</param>
    /// <exception cref="InvalidInputException">It was given.</exception>
    public void RequireUnused(ParseResult parse, string problem)
    {
        if (parse.IsGiven(keep))
            throw new InvalidInputException(keep.Name, problem, "Leave it out.");
    }
}
