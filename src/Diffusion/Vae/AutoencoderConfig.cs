using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>The config of an autoencoder, from its <c>config.json</c>.</summary>
internal sealed record AutoencoderConfig
{
    private const string MeanField = "latents_mean";
    private const string DeviationField = "latents_std";

    // Fields without effect: the autoencoder always runs in float32, and tiles have a fixed size.
    private static readonly HashSet<string> Harmless = [.. JsonConfig.Bookkeeping, "force_upcast", "sample_size"];

    // Fields that change the computation, with the only supported value.
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

    /// <summary>Number of image channels (3).</summary>
    public required int InChannels { get; init; }

    /// <summary>Number of latent channels.</summary>
    public required int LatentChannels { get; init; }

    /// <summary>Channels of each level, finest first. Each level after the first halves height and width.</summary>
    public required IReadOnlyList<int> Channels { get; init; }

    /// <summary>Residual blocks per level of the encoder; the decoder has one more.</summary>
    public required int LayersPerBlock { get; init; }

    /// <summary>Number of groups of all group normalizations.</summary>
    public required int NormGroups { get; init; }

    /// <summary>Factor that scales latents to about unit variance for the U-Net.</summary>
    public required double ScalingFactor { get; init; }

    /// <summary>
    /// Mean of each latent channel, subtracted before scaling; null if latents are only scaled. Used together with <see cref="LatentDeviations"/>.
    /// </summary>
    public IReadOnlyList<double>? LatentMeans { get; init; }

    /// <summary>Standard deviation of each latent channel, which latents are divided by before scaling; null if they are only scaled.</summary>
    public IReadOnlyList<double>? LatentDeviations { get; init; }

    /// <summary>Number of pixels per latent position in each direction.</summary>
    public int PixelsPerLatent => 1 << (Channels.Count - 1);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or describes another type of autoencoder.</exception>
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
            throw json.Error(means is null ? MeanField : DeviationField, $"is missing, but \"{(means is null ? DeviationField : MeanField)}\" is set; both are required");
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

    /// <summary>A <c>config.json</c> that reads back as this config.</summary>
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
            throw json.Error(field, $"must name {type} for each of the {levels} levels, as in Stable Diffusion's autoencoder");
    }

    private static IReadOnlyList<double>? PerChannel(JsonConfig json, string field, int channels) =>
        !json.Has(field) ? null
        : json.Numbers(field) is var numbers && numbers.Count == channels ? numbers
        : throw json.Error(field, $"must have one number for each of the {channels} latent channels");
}
