using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Checkpoints;

namespace PromptToPrompt.Diffusion.Autoencoder;

/// <summary>The shape of an autoencoder, as its <c>config.json</c> states it.</summary>
public sealed record AutoencoderConfig
{
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

    /// <summary>How many pixels one latent position spans in each direction.</summary>
    public int PixelsPerLatent => 1 << (Channels.Count - 1);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file is unreadable or describes another kind of autoencoder.</exception>
    public static AutoencoderConfig FromFile(string path) => FromJson(JsonConfig.Read(path));

    internal static AutoencoderConfig FromJson(JsonConfig json)
    {
        var channels = json.Sizes("block_out_channels");
        if (json.Strings("down_block_types").Any(t => t != "DownEncoderBlock2D"))
            throw json.Error("down_block_types", "names a block that is not part of Stable Diffusion's autoencoder");
        json.Expect("act_fn", "silu");
        var groups = json.Size("norm_num_groups", 32);
        if (channels.Any(width => width % groups != 0))
            throw json.Error("norm_num_groups", $"is {groups}, which does not divide the channels of every level");
        return new AutoencoderConfig
        {
            InChannels = json.Size("in_channels", 3),
            LatentChannels = json.Size("latent_channels", 4),
            Channels = channels,
            LayersPerBlock = json.Size("layers_per_block", 2, JsonConfig.MostLayers),
            NormGroups = groups,
            ScalingFactor = json.Positive("scaling_factor", 0.18215),
        };
    }

    /// <summary>The content of a <c>config.json</c> that reads as this.</summary>
    internal JsonObject ToJson() => new()
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
}
