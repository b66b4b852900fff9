using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p edit</c>: a picture, and the same picture with another prompt.</summary>
internal static class EditCommand
{
    public static Command Create(CancellationToken cancel)
    {
        var source = new Argument<string>("source") { Description = "Prompt of the source picture" };
        var targets = new Argument<string[]>("target")
        {
            Description = "Prompts of the edited pictures; a word may carry a weight: (snow:1.5)",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("edit", "Edit a picture by editing its prompt") { source, targets };
        var edit = new EditOptions().AddTo(command);
        var run = new PictureRun(command);
        command.SetAction(parse => run.Execute(
            parse,
            parse.GetValue(source)!,
            request => edit.Apply(parse, request with { Targets = parse.GetValue(targets)! }),
            (_, _) => { },
            cancel));
        return command;
    }
}
