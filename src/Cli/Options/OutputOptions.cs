using System.CommandLine;
using PromptToPrompt.Cli.Help;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options for output files.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string> folder = Folder("out", ". A folder with an earlier run gets numbered subfolders");
    private readonly Option<bool> overwrite = new("--overwrite") { Description = "Overwrite the files of an earlier run", Group = HelpGroup.Output };
    private readonly Option<string?> trace = new("--trace")
    {
        Description = "Also write latents, timesteps, attention, masks and inversion results of every step to a safetensors file",
        Group = HelpGroup.Output,
        HelpName = "file",
    };

    /// <summary>The option <c>-o</c>, <c>--output</c>.</summary>
    /// <param name="standard">The default folder.</param>
    /// <param name="more">Further help text.</param>
    public static Option<string> Folder(string standard, string more = "") => new("--output", "-o")
    {
        Description = $"Folder for the files; created if missing{more}",
        Group = HelpGroup.Output,
        HelpName = "dir",
        DefaultValueFactory = _ => standard,
    };

    public OutputOptions AddTo(Command command)
    {
        AddFolderTo(command);
        command.Add(trace);
        return this;
    }

    /// <summary>Adds <c>--output</c> and <c>--overwrite</c> alone.</summary>
    public OutputOptions AddFolderTo(Command command)
    {
        command.Add(folder);
        command.Add(overwrite);
        return this;
    }

    /// <summary>Adds <c>--trace</c> and <c>--overwrite</c>, for a command with a single output file.</summary>
    public OutputOptions AddTraceTo(Command command)
    {
        command.Add(trace);
        command.Add(overwrite);
        return this;
    }

    public string Folder(ParseResult parse) => parse.GetValue(folder)!;

    public bool Overwrites(ParseResult parse) => parse.GetValue(overwrite);

    public string? Trace(ParseResult parse) => parse.GetValue(trace);
}
