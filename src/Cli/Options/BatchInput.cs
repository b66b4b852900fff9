using System.CommandLine;
using System.CommandLine.Parsing;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Plans;

namespace PromptToPrompt.Cli.Options;

/// <summary>All that decides the data of a batch run on the command line: the plan, the options and the model.</summary>
internal sealed class BatchInput
{
    private readonly Argument<string> plan = new("plan") { Description = "Plan in JSON Lines or CSV: a source prompt and its targets in each line" };
    private readonly BatchOptions options = new();
    private readonly List<Option> ofModel = [];

    /// <summary>The options of the model.</summary>
    public ModelOptions Model { get; } = new();

    /// <summary>Options of a run.</summary>
    public BatchOptions Options => options;

    public BatchInput AddTo(Command command)
    {
        command.Add(plan);
        options.AddTo(command);
        var others = command.Options.ToHashSet();
        Model.AddTo(command);
        ofModel.AddRange(command.Options.Where(option => !others.Contains(option)));
        return this;
    }

    /// <summary>The request.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="imageFolder">The folder that paths of images in the plan are relative to; null for the plan's own.</param>
    public BatchRequest Read(ParseResult parse, string? imageFolder = null) => options.Read(parse, BatchPlan.Read(parse.GetValue(plan)!, imageFolder));

    /// <summary>The options of the model as they were given.</summary>
    public IEnumerable<string> ModelArguments(ParseResult parse) => ofModel.SelectMany(option => AsGiven(parse, option));

    /// <summary>All options as they were given, without some.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="without">Names of options to leave out.</param>
    public static string[] Arguments(ParseResult parse, params string[] without) =>
        [.. parse.CommandResult.Command.Options.Where(option => !without.Contains(option.Name)).SelectMany(option => AsGiven(parse, option))];

    // One token each, so that no value is taken for an option.
    private static IEnumerable<string> AsGiven(ParseResult parse, Option option) => parse.GetResult(option) is not OptionResult { Implicit: false } given ? []
        : given.Tokens.Count == 0 ? [option.Name] : given.Tokens.Select(token => $"{option.Name}={token.Value}");
}
