using System.CommandLine;
using PromptToPrompt.Cli.Runs;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p generate</c>: a picture from a prompt.</summary>
internal static class GenerateCommand
{
    public static Command Create(CancellationToken cancel, Repetition? repeats)
    {
        var prompt = new Argument<string>("prompt") { Description = "What the picture shows" };
        var command = new Command("generate", "Make a picture from a prompt") { prompt };
        var run = new PictureRun(command, repeats);
        command.SetAction(parse => run.Execute(parse, new PictureJob { Source = parse.GetValue(prompt)! }, cancel));
        return command;
    }
}
