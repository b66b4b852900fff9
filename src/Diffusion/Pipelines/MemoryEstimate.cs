using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Imaging;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>
/// About how much memory a run takes at its peak, told before it from the model's configs and headers. The factors are measured ones, from
/// a full-size Stable Diffusion 1.5 at 512×512 on a CPU (docs/benchmarks.md).
/// </summary>
/// <param name="Weights">The weights of all parts.</param>
/// <param name="Network">The U-Net's feature maps.</param>
/// <param name="Decoding">The autoencoder's feature maps; the U-Net's are gone by then.</param>
public sealed record MemoryEstimate(long Weights, long Network, long Decoding)
{
    // In feature maps of the finest level.
    private const long NetworkMaps = 60;
    private const long DecodingMaps = 22;

    // The autoencoder computes in float32.
    private const long AutoencoderNumber = 4;

    /// <summary>The peak.</summary>
    public long Peak => Weights + Math.Max(Network, Decoding);

    /// <summary>Estimates a run.</summary>
    /// <param name="path">The model.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="dtype">What it computes in.</param>
    /// <param name="size">The pictures' size; null for the model's own.</param>
    /// <param name="rows">Rows of the U-Net's batch.</param>
    /// <exception cref="InvalidInputException">There is no such model, or it is damaged.</exception>
    public static MemoryEstimate Of(string path, ModelLoadOptions options, ScalarType dtype, PixelSize? size, int rows)
    {
        using var files = ModelFiles.Open(path, options);
        var shape = files.Shape;
        var number = SafetensorsTypes.Size(dtype);
        var weights = ModelParts.Of(shape).Sum(part => PartReport.Of(part, files.Weights(part)).Parameters * (part == ModelParts.Vae ? AutoencoderNumber : number));
        var perLatent = shape.Vae.PixelsPerLatent;
        var side = shape.UNet.SampleSize * perLatent;
        var (width, height) = size is { } given ? ((long)given.Width, (long)given.Height) : (side, side);
        // Pictures are decoded one by one.
        var decoded = options.TiledVae ? Math.Min(width, Autoencoder.AutoencoderKL.TileSide) * Math.Min(height, Autoencoder.AutoencoderKL.TileSide) : width * height;
        return new MemoryEstimate(
            weights,
            NetworkMaps * rows * shape.UNet.Levels[0].Channels * (width / perLatent) * (height / perLatent) * number,
            DecodingMaps * shape.Vae.Channels[0] * decoded * AutoencoderNumber);
    }

    /// <summary>Refuses a run that this machine cannot hold, whatever else is running.</summary>
    /// <param name="memory">The machine's memory in bytes.</param>
    /// <exception cref="InvalidInputException">The peak is above it; the message says what would help.</exception>
    public void RequireFits(long memory)
    {
        const double Gigabyte = 1e9;
        InvalidInputException.Require(Peak <= memory, FormattableString.Invariant(
            $"The run needs about {Peak / Gigabyte:F1} GB (weights {Weights / Gigabyte:F1}, network {Network / Gigabyte:F1}, decoding {Decoding / Gigabyte:F1}) and this machine has {memory / Gigabyte:F1} GB; {Advice}."));
    }

    private string Advice => Decoding > Network
        ? "take --vae-tiling or a smaller --size"
        : "take a smaller --size, fewer prompts at once or --dtype bfloat16";
}
