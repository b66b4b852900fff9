using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p generate</c>: makes a picture from a prompt.</summary>
internal static class GenerateCommand
{
    public static Command Create(CancellationToken cancellationToken, Repetition? repeats)
    {
        var prompt = new Argument<string>("prompt") { Description = "Prompt" };
        var command = new Command("generate", "Generate an image from a prompt") { prompt }.In(HelpGroup.Images);
        var run = new ImageRun(command, repeats);
        command.SetAction(parse => run.Execute(parse, new ImageJob { Source = parse.GetValue(prompt)! }, cancellationToken));
        return command;
    }
}
