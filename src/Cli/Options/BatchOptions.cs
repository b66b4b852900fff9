using System.CommandLine;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;
using TorchSharp;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options of a batch run. Those of the settings of items are made from the list of settings.</summary>
internal sealed class BatchOptions
{
    private const string Tar = "tar", Folders = "folders", Png = "png", Jpeg = "jpg";
    private const int UsualQuality = 95;

    private readonly Option<string> folder = OutputOptions.Folder("dataset", ", or s3://BUCKET/PREFIX. Run the same command again to resume");
    private readonly Option<string?> preset = Parsed.Of<string?>(
        "--preset", $"Settings and filters of a published data set, in place of those that are not given: {string.Join(", ", BatchPreset.All.Select(known => known.Name))}",
        InvalidInputException.AnyOf([.. BatchPreset.All.Select(known => known.Name)]), text => BatchPreset.All.Any(known => known.Name == text) ? text : throw new FormatException(), "name",
        text => Suggestion.For(text, BatchPreset.All.Select(known => known.Name))).In(HelpGroup.Edit);

    private readonly Option<int?> samples = Parsed.OptionalNumber<int>("--samples", "Samples of each item that does not give its own number; by default 1").In(HelpGroup.Edit);
    private readonly Option<ulong> seed = Parsed.Seed("--seed", "Seed that all other seeds follow from", 0).In(HelpGroup.Sampling);
    private readonly Option<int> shardSize = Parsed.Number("--shard-size", "Items in a shard", BatchRequest.DefaultShardSize).In(HelpGroup.Output);
    private readonly Option<string> layout = Parsed.Choice("--layout", "Files of the data set; tar is a WebDataset with Parquet tables, folders are InstructPix2Pix's", Tar, Tar, Folders).In(HelpGroup.Output);
    private readonly Option<string?> format = Parsed.Of<string?>("--format", "Format of images: png or jpg; by default png, or jpg in folders", "png or jpg", text => text is Png or Jpeg ? text : throw new FormatException(), "name").In(HelpGroup.Output);
    private readonly Option<int?> quality = Parsed.OptionalNumber<int>("--quality", "Quality of JPEG images, 1 to 100; by default 95, or 100 in folders").In(HelpGroup.Output);
    private readonly Option<int> partition = Parsed.Number("--partition", "Number of this partition, from 0: a shard belongs to the partition that is the remainder of its number", 0).In(HelpGroup.Options);
    private readonly Option<int> partitions = Parsed.Number("--partitions", "Number of partitions, each of which another process or machine makes", 1).In(HelpGroup.Options);

    private readonly FilterOptions filters = new();
    private readonly List<(BatchSetting Setting, Option Option)> settings = [.. BatchSettings.All.Select(setting => (setting, OptionOf(setting)))];

    public BatchOptions AddTo(Command command)
    {
        command.Add(preset);
        foreach (var (_, option) in settings)
            command.Add(option);
        foreach (var option in new Option[] { samples, seed, folder, shardSize, layout, format, quality, partition, partitions })
            command.Add(option);
        filters.AddTo(command);
        return this;
    }

    /// <summary>The request.</summary>
    /// <exception cref="InvalidInputException">A value is invalid.</exception>
    public BatchRequest Read(ParseResult parse, BatchPlan plan)
    {
        var chosen = Preset(parse);
        var output = parse.GetValue(folder)!;
        var remote = S3Place.TryParse(output);
        InvalidInputException.Require(remote is null || Layout(parse).FitsObjects, layout.Name, "A data set of many folders is not written to S3.", $"Use {Tar}, or a folder of this machine.");
        var given = Settings(parse);
        var local = remote?.Folder ?? Path.GetFullPath(output);
        return new BatchRequest
        {
            Plan = plan,
            Folder = local,
            Place = remote ?? (DataSetPlace)new FolderPlace(local),
            Layout = Layout(parse),
            Settings = given.Over(chosen?.Settings ?? SettingValues.None),
            Preset = chosen?.Settings.Without([.. given.All.Select(value => value.Key)]) ?? SettingValues.None,
            Samples = parse.GetValue(samples) ?? chosen?.Samples ?? 1,
            Seed = parse.GetValue(seed),
            ShardSize = parse.GetValue(shardSize),
            Partition = parse.GetValue(partition),
            Partitions = parse.GetValue(partitions),
            Best = filters.Best(parse, chosen),
            Judging = filters.Facts(parse, chosen),
            ClipTokenizer = filters.ClipTokenizer(parse),
        };
    }

    /// <summary>Opens the filters.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="device">The device of their models.</param>
    public IReadOnlyList<PairFilter> OpenFilters(ParseResult parse, torch.Device device) => filters.Open(parse, Preset(parse), device);

    /// <summary>Whether a preset is given without the model that its filters need, and no other filter.</summary>
    public bool LacksFilters(ParseResult parse) => Preset(parse) is { } chosen && filters.Facts(parse, chosen).Count == 0;

    private BatchPreset? Preset(ParseResult parse) => parse.GetValue(preset) is { } name ? BatchPreset.All.First(known => known.Name == name) : null;

    private ShardLayout Layout(ParseResult parse)
    {
        var isFolders = parse.GetValue(layout) == Folders;
        var isJpeg = (parse.GetValue(format) ?? (isFolders ? Jpeg : Png)) == Jpeg;
        InvalidInputException.Require(isJpeg || parse.GetValue(quality) is null, quality.Name, "PNG has no quality.", "Add --format jpg, or leave it out.");
        var encoded = isJpeg ? ImageFormat.Jpeg(parse.GetValue(quality) ?? (isFolders ? ImageFormat.MaxQuality : UsualQuality)) : ImageFormat.Png;
        return isFolders ? new FolderLayout { Format = encoded } : new TarLayout { Format = encoded };
    }

    private SettingValues Settings(ParseResult parse)
    {
        var values = SettingValues.None;
        foreach (var (setting, option) in settings)
        {
            if (Given(parse, option) is not { } text)
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

    private static string? Given(ParseResult parse, Option option) => option switch
    {
        Option<bool?> flag => parse.GetValue(flag) is { } value ? BatchSetting.Flag(value) : null,
        _ => parse.GetValue((Option<string?>)option),
    };

    private static Option OptionOf(BatchSetting setting)
    {
        var name = $"--{setting.Name.Replace('_', '-')}";
        Option option = setting.Form == SettingForm.Flag ? new Option<bool?>(name) { Arity = ArgumentArity.ZeroOrOne } : new Option<string?>(name);
        option.Description = setting.Description;
        option.Group = setting.Subject switch
        {
            SettingSubject.Sampling => HelpGroup.Sampling,
            SettingSubject.Blend => HelpGroup.Blend,
            SettingSubject.Methods => HelpGroup.Methods,
            SettingSubject.Inversion => HelpGroup.Inversion,
            _ => HelpGroup.Edit,
        };
        option.HelpName = setting.Form switch
        {
            SettingForm.Number or SettingForm.WholeNumber => "number|min..max",
            SettingForm.Flag => "true|false",
            SettingForm.Words => "word=number,…",
            _ => "value",
        };
        return option;
    }
}
