using System.Text.Json.Nodes;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Batch;

/// <summary>The request of a run.</summary>
internal sealed record BatchRequest
{
    /// <summary>Default of <see cref="ShardSize"/>.</summary>
    public const int DefaultShardSize = 100;

    /// <summary>The plan.</summary>
    public required BatchPlan Plan { get; init; }

    /// <summary>The folder of the data set, or of its unfinished work if its place is another.</summary>
    public required string Folder { get; init; }

    /// <summary>Where the data set is; by default, in the folder.</summary>
    public DataSetPlace Place
    {
        get => field ?? new FolderPlace(Folder);
        init;
    }

    /// <summary>The layout of the data set.</summary>
    public required ShardLayout Layout { get; init; }

    /// <summary>Settings for items that do not give them.</summary>
    public SettingValues Settings { get; init; } = SettingValues.None;

    /// <summary>Those of the settings that a preset gave, not the user.</summary>
    public SettingValues Preset { get; init; } = SettingValues.None;

    /// <summary>Samples of items that do not give their number.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>The seed that all seeds follow from.</summary>
    public ulong Seed { get; init; }

    /// <summary>Number of items in a shard.</summary>
    public int ShardSize { get; init; } = DefaultShardSize;

    /// <summary>Number of this partition, from 0.</summary>
    public int Partition { get; init; }

    /// <summary>Number of partitions. A shard belongs to the partition that is the remainder of its number.</summary>
    public int Partitions { get; init; } = 1;

    /// <summary>The filters, in their order.</summary>
    public IReadOnlyList<PairFilter> Filters { get; init; } = [];

    /// <summary>Which samples of a target to keep of those that pass the filters; null for all.</summary>
    public BestOf? Best { get; init; }

    /// <summary>The rules and filters, for the manifest.</summary>
    public JsonObject Judging { get; init; } = [];

    /// <summary>The tokenizer of the filters' CLIP model as it was given, for the manifest; null for the model's own.</summary>
    public string? ClipTokenizer { get; init; }

    /// <summary>Number of shards of the whole run.</summary>
    public int Shards => 1 + ((Plan.Items.Count - 1) / ShardSize);

    /// <summary>Numbers of the shards of this partition.</summary>
    public IEnumerable<int> OwnShards => Enumerable.Range(0, Shards).Where(shard => shard % Partitions == Partition);

    /// <summary>The items of a shard.</summary>
    public IEnumerable<PlanItem> ItemsOf(int shard) => Plan.Items.Skip(shard * ShardSize).Take(ShardSize);

    /// <summary>The items that get one sample instead of <see cref="Samples"/>, because all would be equal.</summary>
    public IEnumerable<PlanItem> SingleSamples => Plan.Items.Where(item => item.Samples is null && Samples > 1 && !Varies(item));

    /// <summary>Number of samples of an item.</summary>
    public int SamplesOf(PlanItem item) => item.Samples ?? (Varies(item) ? Samples : 1);

    /// <summary>The memory that the run needs.</summary>
    public MemoryDemand Demand
    {
        get
        {
            var settings = Plan.Items.Select(item => item.Settings.Over(Settings).Resolve(default).ToSettings()).ToList();
            var learns = Plan.Items.Zip(settings).Any(item => item.First.Image is not null && item.Second.Inversion.HasGradient);
            var largest = settings.Select(its => its.Sampling.Size).OfType<PixelSize>().OrderByDescending(size => (long)size.Width * size.Height).FirstOrDefault();
            // Guidance may be drawn, and most samples have some.
            var edits = Plan.Items.Zip(settings, (item, its) => (its.Edit.Method, item.Targets.Count, Sampling: its.Sampling with { Guidance = SamplingSettings.DefaultGuidance })).ToList();
            return new MemoryDemand(
                edits.Max(each => each.Method.RowsOf(each.Count, each.Sampling)), largest.Width == 0 ? null : largest, learns ? 1 : 0, OrDefaultSize: settings.Exists(its => its.Sampling.Size is null),
                RowsTogether: edits.Max(each => each.Method.RowsTogetherOf(each.Count, each.Sampling)));
        }
    }

    /// <summary>Checks that all numbers are in range.</summary>
    /// <exception cref="InvalidInputException">A number is out of range.</exception>
    public void Validate()
    {
        InvalidInputException.RequireRange(Samples, 1, PlanReader.MaxSamples, nameof(Samples));
        InvalidInputException.RequireRange(ShardSize, 1, int.MaxValue, nameof(ShardSize));
        InvalidInputException.RequireRange(Partitions, 1, int.MaxValue, nameof(Partitions));
        InvalidInputException.RequireRange(Partition, 0, Partitions - 1, nameof(Partition));
        InvalidInputException.RequireRange(Layout.Format.Quality, 1, ImageFormat.MaxQuality, nameof(ImageFormat.Quality));
        foreach (var item in Plan.Items.Where(item => item.Image is not null && Settings.Has(BatchSettings.Scheduler)))
            throw new InvalidInputException("Scheduler", $"Line {item.Line} of {Plan.Path} has an image, and given images are edited with ddim.", "Leave it out.");
        foreach (var item in Plan.Items)
        {
            if (item.Settings.Over(Settings).DrawnInVain is { } drawn)
            {
                // Nobody can leave out a range of the preset's.
                var isPreset = !item.Settings.Has(drawn.Setting.Name) && Preset.Has(drawn.Setting.Name);
                throw Plan.ErrorOf(item, drawn.Setting.Name, $"{drawn.Setting.Why}, so samples would not differ by the range {drawn.Range}{(isPreset ? " of the preset. Give this item a single number." : ". Give this item a single number, or leave the range out.")}");
            }
        }

        foreach (var item in Plan.Items.Where(item => item.Samples > 1 && !Varies(item)))
        {
            throw Plan.ErrorOf(item, new(
                nameof(Samples), "All samples of this image would be equal.", $"Give a setting a range, use a method that draws noise ({InvalidInputException.AnyOf([.. InversionMethod.Names.Where(name => InversionMethod.Named(name).UsesSeed)])}), or leave samples out."));
        }
    }

    // Samples of a given image differ by drawn numbers alone.
    private bool Varies(PlanItem item)
    {
        var values = item.Settings.Over(Settings).Used;
        return item.Image is null || values.HasRange || values.At(0).ToSettings().Inversion.UsesSeed;
    }

    /// <summary>All that decides the data, but for the content of given images, whose hashes are in the statistics of shards; see <see cref="GivenImages"/>.</summary>
    /// <param name="model">The model; null to leave out its part.</param>
    public JsonObject Manifest(StableDiffusionModel? model)
    {
        var manifest = Own();
        if (model is null)
            return manifest;
        manifest["model"] = model.Fingerprint;
        manifest["dtype"] = DtypeOf(model);
        manifest[RunManifest.VaeTiling] = model.TilesImages;
        return manifest;
    }

    /// <summary>The types of the weights and of the computation, as the files name them: one if they are the same.</summary>
    public static string DtypeOf(StableDiffusionModel model) => model.Precision.Identity.ToLowerInvariant();

    private JsonObject Own() => new()
    {
        ["plan"] = Plan.Hash,
        ["items"] = Plan.Items.Count,
        ["samples"] = Samples,
        ["seed"] = Seed,
        ["settings"] = new JsonObject(Settings.All.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value))),
        ["filters"] = Judging.DeepClone(),
        ["layout"] = Layout.Name,
        ["format"] = Layout.Format.Extension,
        ["quality"] = Layout.Format.Quality,
        ["shard_size"] = ShardSize,
        [RunManifest.ClipTokenizer] = ClipTokenizer,
    };
}
