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
        var attention = new Option<bool>("--attention") { Description = "Also draw where each word of each prompt looks, averaged and over time" };
        command.Add(attention);
        var run = new PictureRun(command);
        command.SetAction(parse => run.Execute(
            parse,
            parse.GetValue(source)!,
            request => edit.Apply(parse, request with { Targets = parse.GetValue(targets)!, WatchAttention = parse.GetValue(attention) }),
            (folder, result) =>
            {
                // Maps are there for a local blend as well, but then nobody wants to see them.
                if (parse.GetValue(attention))
                    AttentionFiles.Add(folder, result);
            },
            cancel));
        return command;
    }
}
