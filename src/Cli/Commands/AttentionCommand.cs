using System.CommandLine;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p attention</c>: where each word of a prompt looks, and what the places of the picture look at.</summary>
internal static class AttentionCommand
{
    public static Command Create(CancellationToken cancel, Repetition? repeats)
    {
        var prompt = new Argument<string>("prompt") { Description = "What the picture shows" };
        var command = new Command("attention", "Show where each word of a prompt looks, averaged and over time, and the components of self-attention") { prompt };
        var run = new PictureRun(command, repeats);
        command.SetAction(parse => run.Execute(
            parse,
            new PictureJob
            {
                Source = parse.GetValue(prompt)!,
                Observation = new Observation { Attention = true, SelfAttention = true },
                AddFiles = AttentionFiles.Add,
            },
            cancel));
        return command;
    }
}
