using System.CommandLine;

namespace PromptToPrompt.Cli.Options;

/// <summary>Where the files of a run go.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string> folder = Folder("out");
    private readonly Option<string?> trace = new("--trace")
    {
        Description = "Also write every step's latents, the timesteps, attention and masks to a safetensors file",
        HelpName = "file",
    };

    /// <summary>The option <c>-o</c>, <c>--output</c>.</summary>
    public static Option<string> Folder(string standard) => new("--output", "-o")
    {
        Description = "Folder for the files; made where it does not exist",
        HelpName = "dir",
        DefaultValueFactory = _ => standard,
    };

    public OutputOptions AddTo(Command command)
    {
        command.Add(folder);
        command.Add(trace);
        return this;
    }

    public string Folder(ParseResult parse) => parse.GetValue(folder)!;

    public string? Trace(ParseResult parse) => parse.GetValue(trace);
}
