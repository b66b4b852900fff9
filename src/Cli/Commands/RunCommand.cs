using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p run</c>: repeats a recorded run.</summary>
internal static class RunCommand
{
    /// <param name="commands">Creates the program's commands for a repeated run.</param>
    public static Command Create(Func<Repetition, RootCommand> commands)
    {
        var recorded = new Argument<string>("run.json") { Description = "run.json, an image with a stored run, or a folder with a run.json" };
        var command = new Command("run", "Repeat a run exactly, from its run.json or one of its images") { recorded }.In(HelpGroup.Runs);
        var output = new OutputOptions().AddFolderTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var repetition = Repetition.Read(parse.GetValue(recorded)!);
            var folder = output.Folder(parse);
            var repeated = repetition.Parse(
                commands(repetition),
                [
                    // A run whose output was a single file writes it into the folder.
                    "--output", repetition.Output is { } file ? Path.Combine(folder, file) : folder,
                    .. output.Overwrites(parse) ? ["--overwrite"] : Array.Empty<string>(),
                    .. report.Json(parse) ? ["--json"] : Array.Empty<string>(),
                    .. report.Quiet(parse) ? ["--quiet"] : Array.Empty<string>(),
                ]);
            return repeated.Invoke(CommandLine.Invoking);
        });
        return command;
    }
}
