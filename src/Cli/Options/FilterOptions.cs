using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using TorchSharp;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options that decide which pairs of a batch run are kept.</summary>
internal sealed class FilterOptions
{
    // --tokenizer is that of the model that makes the images.
    private readonly MetricModels models = new MetricModels("--clip-tokenizer").In(HelpGroup.Filters);

    private readonly Option<string[]> keep = new("--keep")
    {
        Description = $"Keep only pairs with this measure: {string.Join(", ", [.. KeepRule.OfClip, KeepRule.OfDino, .. KeepRule.OfPixels])}. Repeatable",
        HelpName = "measure>=number",
        Group = HelpGroup.Filters,
    };

    private readonly Option<string?> command = new("--filter-command")
    {
        Description = "Command that gets a line of JSON for each pair and answers {\"keep\": true, \"score\": 0.3}",
        HelpName = "command",
        Group = HelpGroup.Filters,
    };

    private readonly Option<string?> url = new("--filter-url") { Description = "HTTP address that answers the same JSON", HelpName = "url", Group = HelpGroup.Filters };
    private readonly Option<int?> best = Parsed.OptionalNumber<int>("--best", "Keep this many samples of each target: those with the highest --best-by").In(HelpGroup.Filters);
    private readonly Option<string?> bestBy = new("--best-by") { Description = "Score of --best; by default clip_direction, or score with a filter of your own", HelpName = "score", Group = HelpGroup.Filters };

    public FilterOptions AddTo(Command command)
    {
        models.AddTo(command);
        foreach (var option in new Option[] { keep, this.command, url, best, bestBy })
            command.Add(option);
        return this;
    }

    /// <summary>Which samples to keep; null for all.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="preset">The preset; null for none. Its filters hold if a CLIP model is given.</param>
    public BestOf? Best(ParseResult parse, BatchPreset? preset)
    {
        if (parse.GetValue(best) is not { } count)
        {
            if (preset is not null && models.Clip(parse) is not null)
                return preset.Best with { Score = By(parse, preset) ?? preset.Best.Score };
            InvalidInputException.Require(parse.GetValue(bestBy) is null, bestBy.Name, "It chooses the samples of --best.", "Add --best, or leave it out.");
            return null;
        }

        InvalidInputException.RequireRange(count, 1, int.MaxValue, best.Name);
        var asks = parse.GetValue(command) is not null || parse.GetValue(url) is not null;
        InvalidInputException.Require(asks || models.Clip(parse) is not null || parse.GetValue(bestBy) is not null, best.Name, "No score tells which samples are best.", "Add --clip, or a filter that gives a score.");
        return new BestOf(count, By(parse, preset) ?? (models.Clip(parse) is not null ? "clip_direction" : "score"));
    }

    /// <summary>All that decides which pairs are kept, for the record of the run.</summary>
    public JsonObject Facts(ParseResult parse, BatchPreset? preset)
    {
        var facts = new JsonObject();
        Add("clip", models.Clip(parse));
        Add("dino", models.Dino(parse));
        Add("command", parse.GetValue(command));
        Add("url", parse.GetValue(url));
        Add("best", Best(parse, preset) is { } chosen ? $"{chosen.Count} by {chosen.Score}" : null);
        if (Rules(parse, preset) is { Count: > 0 } rules)
            facts["keep"] = Json.Array(rules.Select(rule => rule.ToString()));
        return facts;

        void Add(string name, string? value)
        {
            if (value is not null)
                facts[name] = value;
        }
    }

    /// <summary>The tokenizer of the CLIP model as it was given; null for the model's own.</summary>
    public string? ClipTokenizer(ParseResult parse) => models.Clip(parse) is null ? null : models.Tokenizer(parse);

    /// <summary>Opens the filters. Loads the models of the measures.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="preset">The preset; null for none.</param>
    /// <param name="device">The device of the models.</param>
    public IReadOnlyList<PairFilter> Open(ParseResult parse, BatchPreset? preset, torch.Device device)
    {
        List<PairFilter> filters = [];
        var rules = Rules(parse, preset);
        if (rules.Count > 0 || models.Clip(parse) is not null || models.Dino(parse) is not null)
            filters.Add(new MeasureFilter(models.OpenClip(parse, withTexts: true, device), models.OpenDino(parse, device), rules));
        if (parse.GetValue(command) is { } line)
            filters.Add(new CommandFilter(line));
        if (Url(parse) is { } address)
            filters.Add(new UrlFilter(address));
        return filters;
    }

    private List<KeepRule> Rules(ParseResult parse, BatchPreset? preset)
    {
        _ = Url(parse);
        var rules = Parsed.Named(keep.Name, () => (parse.GetValue(keep) ?? []).Select(KeepRule.Parse).ToList());
        foreach (var rule in rules)
        {
            InvalidInputException.Require(!KeepRule.OfClip.Contains(rule.Measure) || models.Clip(parse) is not null, keep.Name, $"{rule.Measure} is measured by a CLIP model.", "Add --clip.");
            InvalidInputException.Require(rule.Measure != KeepRule.OfDino || models.Dino(parse) is not null, keep.Name, $"{rule.Measure} is measured by a DINO model.", "Add --dino.");
        }

        return rules.Count == 0 && preset is not null && models.Clip(parse) is not null ? [.. preset.Rules] : rules;
    }

    // The score by which to choose, if it is given. A name that no filter gives would fail every item.
    private string? By(ParseResult parse, BatchPreset? preset)
    {
        if (parse.GetValue(bestBy) is not { } name)
            return null;
        List<string> scores = [];
        if (models.Clip(parse) is not null)
            scores.AddRange("clip_image", "clip_text_source", "clip_text_target", "clip_direction");
        if (models.Dino(parse) is not null)
            scores.Add(KeepRule.OfDino);
        if (Rules(parse, preset).Any(rule => KeepRule.OfPixels.Contains(rule.Measure)))
            scores.AddRange(KeepRule.OfPixels);
        if (parse.GetValue(command) is not null || parse.GetValue(url) is not null)
            scores.Add("score");
        InvalidInputException.Require(
            scores.Contains(name), bestBy.Name, $"No filter gives \"{name}\".", scores.Count > 0 ? $"Use {InvalidInputException.AnyOf(scores)}." : "Add --clip, or a filter that gives a score.");
        return name;
    }

    private Uri? Url(ParseResult parse)
    {
        if (parse.GetValue(url) is not { } text)
            return null;
        InvalidInputException.Require(
            Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https", url.Name, $"\"{text}\" is not an address.", "Use one such as http://127.0.0.1:8000/judge.");
        return address;
    }
}
