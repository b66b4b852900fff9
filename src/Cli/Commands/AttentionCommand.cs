using System.CommandLine;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p attention</c>: where each word of a prompt looks.</summary>
internal static class AttentionCommand
{
    public static Command Create(CancellationToken cancel)
    {
        var prompt = new Argument<string>("prompt") { Description = "What the picture shows" };
        var command = new Command("attention", "Show where each word of a prompt looks, averaged and over time") { prompt };
        var run = new PictureRun(command);
        command.SetAction(parse => run.Execute(parse, parse.GetValue(prompt)!, request => request with { WatchAttention = true }, AddSheets, cancel));
        return command;
    }

    private static void AddSheets(RunFolder folder, EditResult result)
    {
        // An empty prompt has no words to show.
        if (result.Prompts[0].Words.Count == 0)
            return;
        using var average = AttentionSheets.Average(result);
        folder.Add("attention.png", average);
        using var overTime = AttentionSheets.OverTime(result);
        folder.Add("attention-over-time.png", overTime);
    }
}
