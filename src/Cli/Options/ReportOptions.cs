using System.CommandLine;
using PromptToPrompt.Cli.Help;

namespace PromptToPrompt.Cli.Options;

/// <summary>The options <c>--json</c> and <c>--quiet</c>.</summary>
internal sealed class ReportOptions
{
    private readonly Option<bool> json = new("--json") { Description = "Write JSON to standard output", Group = HelpGroup.Output };
    private readonly Option<bool> quiet = new("--quiet") { Description = "Show no progress and no summary", Group = HelpGroup.Output };

    public ReportOptions AddTo(Command command)
    {
        command.Add(json);
        command.Add(quiet);
        return this;
    }

    /// <summary>Adds <c>--json</c> alone, for commands that only report.</summary>
    public ReportOptions AddJsonTo(Command command)
    {
        command.Add(json);
        return this;
    }

    public bool Json(ParseResult parse) => parse.GetValue(json);

    public bool Quiet(ParseResult parse) => parse.GetValue(quiet);
}
