using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>The shape of an autoencoder, as its <c>config.json</c> states it.</summary>
internal sealed record AutoencoderConfig
{
    private const string MeanField = "latents_mean";
    private const string DeviationField = "latents_std";

    // Fields that change nothing here: the autoencoder runs in float32 whatever it was made for, and tiles have a size of their own.
    private static readonly HashSet<string> Harmless = [.. JsonConfig.Bookkeeping, "force_upcast", "sample_size"];

    // What changes the computation, with the one value that is computed here.
    private static readonly (string Field, object? Value)[] Fixed =
    [
        ("_class_name", "AutoencoderKL"),
        ("act_fn", "silu"),
        ("in_channels", 3.0),
        ("out_channels", 3.0),
        ("mid_block_add_attention", true),
        ("quantization_config", null),
        ("shift_factor", 0.0),
        ("use_post_quant_conv", true),
        ("use_quant_conv", true),
    ];

    /// <summary>Channels of a picture (3).</summary>
    public required int InChannels { get; init; }

    /// <summary>Channels of its latents.</summary>
    public required int LatentChannels { get; init; }

    /// <summary>Channels of each level, finest first. Each level after the first halves height and width.</summary>
    public required IReadOnlyList<int> Channels { get; init; }

    /// <summary>Residual blocks per level of the encoder; the decoder has one more.</summary>
    public required int LayersPerBlock { get; init; }

    /// <summary>Groups of every group normalisation.</summary>
    public required int NormGroups { get; init; }

    /// <summary>Factor that brings latents to about unit variance for the U-Net.</summary>
    public required double ScalingFactor { get; init; }

    /// <summary>
    /// Mean of each latent channel, which is taken off before scaling; null where latents are only scaled. Goes with <see cref="LatentDeviations"/>.
    /// </summary>
    public IReadOnlyList<double>? LatentMeans { get; init; }

    /// <summary>Standard deviation of each latent channel, by which it is divided before scaling; null where latents are only scaled.</summary>
    public IReadOnlyList<double>? LatentDeviations { get; init; }

    /// <summary>How many pixels one latent position spans in each direction.</summary>
    public int PixelsPerLatent => 1 << (Channels.Count - 1);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file is unreadable or describes another kind of autoencoder.</exception>
    public static AutoencoderConfig FromFile(string path) => FromJson(JsonConfig.Read(path));

    internal static AutoencoderConfig FromJson(JsonConfig json)
    {
        foreach (var (field, value) in Fixed)
            json.Expect(field, value);
        var channels = json.Sizes("block_out_channels");
        RequireBlocks(json, "down_block_types", "DownEncoderBlock2D", channels.Count);
        RequireBlocks(json, "up_block_types", "UpDecoderBlock2D", channels.Count);
        var groups = json.Size("norm_num_groups", 32);
        if (channels.Any(width => width % groups != 0))
            throw json.Error("norm_num_groups", $"is {groups}, which does not divide the channels of every level");
        var latentChannels = json.Size("latent_channels", 4);
        var (means, deviations) = (PerChannel(json, MeanField, latentChannels), PerChannel(json, DeviationField, latentChannels));
        if (means is null != deviations is null)
            throw json.Error(means is null ? MeanField : DeviationField, $"is missing, but \"{(means is null ? DeviationField : MeanField)}\" is there; one is of no use without the other");
        if (deviations?.All(deviation => deviation > 0) == false)
            throw json.Error(DeviationField, "must have numbers above 0");
        var config = new AutoencoderConfig
        {
            InChannels = json.Size("in_channels", 3),
            LatentChannels = latentChannels,
            Channels = channels,
            LayersPerBlock = json.Size("layers_per_block", 2, JsonConfig.MaxLayers),
            NormGroups = groups,
            ScalingFactor = json.Positive("scaling_factor", 0.18215),
            LatentMeans = means,
            LatentDeviations = deviations,
        };
        json.NoteUnknown(Harmless);
        return config;
    }

    /// <summary>The content of a <c>config.json</c> that reads as this.</summary>
    internal JsonObject ToJson()
    {
        var json = Scaled();
        if (LatentMeans is { } means && LatentDeviations is { } deviations)
            (json[MeanField], json[DeviationField]) = (JsonConfig.Array(means), JsonConfig.Array(deviations));
        return json;
    }

    private JsonObject Scaled() => new()
    {
        ["_class_name"] = "AutoencoderKL",
        ["act_fn"] = "silu",
        ["in_channels"] = InChannels,
        ["out_channels"] = InChannels,
        ["latent_channels"] = LatentChannels,
        ["block_out_channels"] = JsonConfig.Array(Channels),
        ["down_block_types"] = JsonConfig.Array(Channels.Select(_ => "DownEncoderBlock2D")),
        ["up_block_types"] = JsonConfig.Array(Channels.Select(_ => "UpDecoderBlock2D")),
        ["layers_per_block"] = LayersPerBlock,
        ["norm_num_groups"] = NormGroups,
        ["scaling_factor"] = ScalingFactor,
    };

    private static void RequireBlocks(JsonConfig json, string field, string type, int levels)
    {
        var names = json.Strings(field);
        if (names.Count != levels || names.Any(name => name != type))
            throw json.Error(field, $"must name {type} for each of the {levels} levels, as Stable Diffusion's autoencoder has it");
    }

    private static IReadOnlyList<double>? PerChannel(JsonConfig json, string field, int channels) =>
        !json.Has(field) ? null
        : json.Numbers(field) is var numbers && numbers.Count == channels ? numbers
        : throw json.Error(field, $"must have one number for each of the {channels} latent channels");
}
