using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p attention</c>: draws cross-attention maps for each word, and the components of self-attention.</summary>
internal static class AttentionCommand
{
    public static Command Create(CancellationToken cancellationToken, Repetition? repeats)
    {
        var prompt = new Argument<string>("prompt") { Description = "Prompt" };
        var command = new Command("attention", "Draw attention maps: cross-attention per word, averaged and over time, and self-attention components") { prompt }.In(HelpGroup.Images);
        var run = new ImageRun(command, repeats);
        command.SetAction(parse => run.Execute(
            parse,
            new ImageJob
            {
                Source = parse.GetValue(prompt)!,
                Observation = new Observation { Attention = true, SelfAttention = true },
                AddFiles = AttentionFiles.Add,
            },
            cancellationToken));
        return command;
    }
}
