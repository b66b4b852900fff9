using System.CommandLine;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options of a batch run. Those of the settings of items are made from the list of settings.</summary>
internal sealed class BatchOptions
{
    private readonly Option<string> folder = OutputOptions.Folder("dataset", ". Run the same command again to resume");
    private readonly Option<int> samples = Parsed.Number("--samples", "Samples of each item that does not give its own number", 1).In(HelpGroup.Edit);
    private readonly Option<ulong> seed = Parsed.Seed("--seed", "Seed that all other seeds follow from", 0).In(HelpGroup.Sampling);
    private readonly Option<int> shardSize = Parsed.Number("--shard-size", "Items in a shard", BatchRequest.DefaultShardSize).In(HelpGroup.Output);
    private readonly Option<string> format = Parsed.Choice("--format", "Format of images", "png", "png", "jpg").In(HelpGroup.Output);
    private readonly Option<int> quality = Parsed.Number("--quality", "Quality of JPEG images, 1 to 100", 95).In(HelpGroup.Output);
    private readonly Option<int> partition = Parsed.Number("--partition", "Number of this partition, from 0: a shard belongs to the partition that is the remainder of its number", 0).In(HelpGroup.Options);
    private readonly Option<int> partitions = Parsed.Number("--partitions", "Number of partitions, each of which another process or machine makes", 1).In(HelpGroup.Options);

    private readonly FilterOptions filters = new();
    private readonly List<(BatchSetting Setting, Option<string?> Option)> settings = [.. BatchSettings.All.Select(setting => (setting, OptionOf(setting)))];

    public BatchOptions AddTo(Command command)
    {
        foreach (var (_, option) in settings)
            command.Add(option);
        foreach (var option in new Option[] { samples, seed, folder, shardSize, format, quality, partition, partitions })
            command.Add(option);
        filters.AddTo(command);
        return this;
    }

    /// <summary>The request.</summary>
    /// <exception cref="InvalidInputException">A value is invalid.</exception>
    public BatchRequest Read(ParseResult parse, BatchPlan plan)
    {
        var isJpeg = parse.GetValue(format) == "jpg";
        InvalidInputException.Require(isJpeg || parse.GetResult(quality) is null or { Implicit: true }, quality.Name, "PNG has no quality.", "Add --format jpg, or leave it out.");
        return new BatchRequest
        {
            Plan = plan,
            Folder = Path.GetFullPath(parse.GetValue(folder)!),
            Layout = new TarLayout { Format = isJpeg ? ImageFormat.Jpeg(parse.GetValue(quality)) : ImageFormat.Png },
            Settings = Settings(parse),
            Samples = parse.GetValue(samples),
            Seed = parse.GetValue(seed),
            ShardSize = parse.GetValue(shardSize),
            Partition = parse.GetValue(partition),
            Partitions = parse.GetValue(partitions),
            Best = filters.Best(parse),
            Judging = filters.Facts(parse),
        };
    }

    /// <summary>Opens the filters.</summary>
    public IReadOnlyList<PairFilter> OpenFilters(ParseResult parse) => filters.Open(parse);

    private SettingValues Settings(ParseResult parse)
    {
        var values = SettingValues.None;
        foreach (var (setting, option) in settings)
        {
            if (parse.GetValue(option) is not { } text)
                continue;
            try
            {
                setting.Check(text);
            }
            catch (InvalidInputException e)
            {
                throw new InvalidInputException(option.Name, e.Problem, e.Advice, e);
            }

            values = values.With(setting.Name, text);
        }

        return values;
    }

    private static Option<string?> OptionOf(BatchSetting setting) => new($"--{setting.Name.Replace('_', '-')}")
    {
        Description = setting.Description,
        Group = setting.Subject switch
        {
            SettingSubject.Sampling => HelpGroup.Sampling,
            SettingSubject.Blend => HelpGroup.Blend,
            SettingSubject.Inversion => HelpGroup.Inversion,
            _ => HelpGroup.Edit,
        },
        HelpName = setting.Form switch
        {
            SettingForm.Number or SettingForm.WholeNumber => "number|min..max",
            SettingForm.Flag => "true|false",
            SettingForm.Words => "word=number,…",
            _ => "value",
        },
    };
}
