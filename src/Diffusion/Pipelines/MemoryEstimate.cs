using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Gradient;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>What a run does, as far as its memory goes.</summary>
/// <param name="Rows">Rows of the U-Net's batch that are computed together; one at a time where memory is short.</param>
/// <param name="Size">The pictures' size; null for the model's own.</param>
/// <param name="LearningRows">Rows with a gradient, before or after the others: 1 in null-text inversion, a batch where a word is learned.</param>
/// <param name="TakesAllParts">Whether several parts of the model are needed by turns, so that all of them stay in memory.</param>
/// <param name="Given">Size of the picture that is edited; what comes of it has that size again. Null where none is given.</param>
internal readonly record struct MemoryDemand(int Rows, PixelSize? Size = null, int LearningRows = 0, bool TakesAllParts = false, PixelSize? Given = null);

/// <summary>
/// About how much memory a run takes at its peak, told before it from the model's configs and headers. The factors are measured ones, from
/// full-size models on a CPU (docs/models.md).
/// </summary>
/// <param name="TextWeights">Weights of the text encoders.</param>
/// <param name="NetworkWeights">Weights of the U-Net.</param>
/// <param name="AutoencoderWeights">Weights of the autoencoder.</param>
/// <param name="Network">The U-Net's feature maps.</param>
/// <param name="Decoding">The autoencoder's feature maps.</param>
/// <param name="OnePartAtATime">Whether the weights of one part are in memory at a time.</param>
/// <param name="Pictures">The picture that is given, its mask, and what comes of it while it is written.</param>
internal sealed record MemoryEstimate(
    long TextWeights, long NetworkWeights, long AutoencoderWeights, long Network, long Decoding, bool OnePartAtATime = false, long Pictures = 0)
{
    // In feature maps of the finest level.
    private const long NetworkMaps = 60;
    private const long GradientMaps = 150;
    private const long DecodingMaps = 16;

    // The given picture, its mask and what comes of it have three bytes for each pixel, and what is being written four.
    private const long PictureBytes = 3 + 3 + 3 + 4;

    // The autoencoder and gradients' bookkeeping are float32.
    private const long Single = 4;

    /// <summary>Weights in memory at the peak.</summary>
    public long Weights => OnePartAtATime ? Math.Max(TextWeights, Math.Max(NetworkWeights, AutoencoderWeights)) : TextWeights + NetworkWeights + AutoencoderWeights;

    /// <summary>The peak.</summary>
    public long Peak => Pictures + (OnePartAtATime
        ? Math.Max(TextWeights, Math.Max(NetworkWeights + Network, AutoencoderWeights + Decoding))
        : Weights + Math.Max(Network, Decoding));

    private bool DecodesAtPeak => OnePartAtATime ? AutoencoderWeights + Decoding > NetworkWeights + Network : Decoding > Network;

    /// <summary>Estimates a run.</summary>
    /// <param name="path">The model.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="dtype">What it computes in.</param>
    /// <param name="demand">What the run does.</param>
    /// <exception cref="InvalidInputException">There is no such model, or it is damaged.</exception>
    public static MemoryEstimate Of(string path, ModelLoadOptions options, ScalarType dtype, MemoryDemand demand)
    {
        using var files = ModelFiles.Open(path, options);
        var shape = files.Shape;
        var number = SafetensorsTypes.Size(dtype);
        var perLatent = shape.Vae.PixelsPerLatent;
        var side = shape.UNet.SampleSize * perLatent;
        var (width, height) = demand.Size is { } given ? ((long)given.Width, (long)given.Height) : (side, side);
        // Pictures are decoded one by one.
        var decoded = options.TiledVae ? Math.Min(width, AutoencoderKL.TileSide) * Math.Min(height, AutoencoderKL.TileSide) : width * height;
        var finest = shape.UNet.Levels[0].Channels * (width / perLatent) * (height / perLatent);
        return new MemoryEstimate(
            ModelParts.TextEncoders.Take(shape.TextEncoders.Count).Sum(Parameters) * number,
            Parameters(ModelParts.UNet) * number,
            Parameters(ModelParts.Vae) * Single,
            Math.Max(Maps(options.OnePartAtATime ? 1 : demand.Rows), Maps(demand.LearningRows) + Gradient(demand.LearningRows)),
            DecodingMaps * shape.Vae.Channels[0] * decoded * Single,
            options.OnePartAtATime,
            demand.Given is { } picture ? PictureBytes * picture.Width * picture.Height : 0);

        long Maps(int rows) => rows * finest * NetworkMaps * number;

        // What autograd keeps of small runs; of others each link is run again.
        long Gradient(int rows) => CheckpointedUNet.KeptBytes(rows * finest, number) is var kept && kept <= CheckpointedUNet.MaxKept && !options.OnePartAtATime
            ? kept : rows * finest * GradientMaps * Single;

        long Parameters(string part) => PartReport.Of(part, files.Weights(part)).Parameters;
    }

    /// <summary>Refuses a run that a machine cannot hold, whatever else is running there.</summary>
    /// <param name="memory">The machine's memory in bytes.</param>
    /// <param name="takesAllParts">Whether the run cannot be made with one part at a time.</param>
    /// <exception cref="InvalidInputException">The peak is above it; the message says what would help.</exception>
    public void RequireFits(long memory, bool takesAllParts = false)
    {
        InvalidInputException.Require(Peak <= memory, FormattableString.Invariant(
            $"The run needs about {Gigabytes(Peak)} GB (weights {Gigabytes(Weights)}, network {Gigabytes(Network)}, decoding {Gigabytes(Decoding)}, pictures {Gigabytes(Pictures)}) and this machine has {Gigabytes(memory)} GB. {Advice(takesAllParts)}"));
    }

    private static string Gigabytes(long bytes) => FormattableString.Invariant($"{bytes / 1e9:F1}");

    private string Advice(bool takesAllParts) => Pictures > Peak / 2 ? "Use a smaller picture."
        : DecodesAtPeak ? "Use VAE tiling or a smaller size."
        : takesAllParts ? "Use a smaller size, a smaller batch or bfloat16."
        : OnePartAtATime ? "Use a smaller size or bfloat16."
        : "Use low memory, a smaller size, fewer prompts at once or bfloat16.";
}
