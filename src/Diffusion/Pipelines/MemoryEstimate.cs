using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet.Gradient;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>The memory-relevant properties of a run.</summary>
/// <param name="Rows">Rows of the U-Net's batch computed together; in low-memory mode they run one at a time, except <paramref name="RowsTogether"/>.</param>
/// <param name="Size">Size of the images; null for the model's default.</param>
/// <param name="LearningRows">Rows with a gradient, before or after the others: 1 in null-text inversion, a batch in textual inversion.</param>
/// <param name="TakesAllParts">Whether the run alternates between parts of the model, so that all of them stay in memory.</param>
/// <param name="Given">Size of the image to edit, and of the result; null without one.</param>
/// <param name="OrDefaultSize">Whether some images have the model's default size, which may be larger than <paramref name="Size"/>.</param>
/// <param name="RowsTogether">Largest number of rows that read each other, so that they are computed together even in low-memory mode; 0 for none.</param>
internal readonly record struct MemoryDemand(int Rows, PixelSize? Size = null, int LearningRows = 0, bool TakesAllParts = false, PixelSize? Given = null, bool OrDefaultSize = false, int RowsTogether = 0);

/// <summary>
/// Estimates the peak memory of a run, in bytes, from the model's configs and headers. The factors were measured with
/// full-size models on a CPU (docs/models.md); on a GPU, whose kernels may take other temporary memory, the estimate is rougher.
/// </summary>
/// <param name="TextWeights">Weights of the text encoders.</param>
/// <param name="NetworkWeights">Weights of the U-Net.</param>
/// <param name="AutoencoderWeights">Weights of the autoencoder.</param>
/// <param name="Network">Feature maps of the U-Net.</param>
/// <param name="Decoding">Feature maps of the autoencoder.</param>
/// <param name="OnePartAtATime">Whether only the weights of one part are in memory at a time.</param>
/// <param name="Images">The original image, its mask, and the result while it is written.</param>
/// <param name="KeysAndValues">The text's keys and values, which the steps share.</param>
/// <param name="Has16BitWeights">Whether the weights have a 16-bit type already.</param>
internal sealed record MemoryEstimate(
    long TextWeights, long NetworkWeights, long AutoencoderWeights, long Network, long Decoding, bool OnePartAtATime = false, long Images = 0, long KeysAndValues = 0, bool Has16BitWeights = false)
{
    // In units of feature maps of the finest level.
    private const long NetworkMaps = 60;
    private const long GradientMaps = 150;
    private const long DecodingMaps = 16;

    // A row's keys and values are kept as they are and, in an edit, once or twice with its matrices applied.
    private const long KeptTexts = 3;

    // The original image, its mask and the result take three bytes per pixel each; the mask's opacity takes one, the image being written four.
    private const long ImageBytes = 3 + 3 + 3 + 1 + 4;

    // The autoencoder and the gradient bookkeeping use float32.
    private const long Single = 4;

    /// <summary>Bytes of weights in memory at the peak.</summary>
    public long Weights => OnePartAtATime ? Math.Max(TextWeights, Math.Max(NetworkWeights, AutoencoderWeights)) : TextWeights + NetworkWeights + AutoencoderWeights;

    /// <summary>Peak memory in bytes.</summary>
    public long Peak => Images + (OnePartAtATime
        ? Math.Max(TextWeights, Math.Max(NetworkWeights + Running, AutoencoderWeights + Decoding))
        : Weights + Math.Max(Running, Decoding));

    private long Running => Network + KeysAndValues;

    private bool DecodesAtPeak => OnePartAtATime ? AutoencoderWeights + Decoding > NetworkWeights + Running : Decoding > Running;

    /// <summary>Estimates the memory of a run.</summary>
    /// <param name="path">Path of the model.</param>
    /// <param name="options">The load options.</param>
    /// <param name="precision">The types of the network's numbers.</param>
    /// <param name="demand">The properties of the run.</param>
    /// <exception cref="InvalidInputException">The model does not exist or is damaged.</exception>
    public static MemoryEstimate Of(string path, ModelLoadOptions options, Precision precision, MemoryDemand demand)
    {
        using var files = ModelFiles.Open(path, options);
        var shape = files.Shape;
        var (weight, number) = (SafetensorsTypes.Size(precision.Weights), SafetensorsTypes.Size(precision.Arithmetic));
        var perLatent = shape.Vae.PixelsPerLatent;
        var side = shape.UNet.SampleSize * perLatent;
        var (width, height) = demand.Size is { } given ? ((long)given.Width, (long)given.Height) : (side, side);
        if (demand.OrDefaultSize && side * side > width * height)
            (width, height) = (side, side);
        // Images are decoded one by one.
        var decoded = options.TiledVae ? Math.Min(width, AutoencoderKL.TileSide) * Math.Min(height, AutoencoderKL.TileSide) : width * height;
        var finest = shape.UNet.Levels[0].Channels * (width / perLatent) * (height / perLatent);
        var together = options.OnePartAtATime ? demand.RowsTogether : demand.Rows;
        return new MemoryEstimate(
            ModelParts.TextEncoders.Take(shape.TextEncoders.Count).Sum(Parameters) * weight,
            Parameters(ModelParts.UNet) * weight,
            Parameters(ModelParts.Vae) * Single,
            Math.Max(Maps(Math.Max(1, together)), Maps(demand.LearningRows) + Gradient(demand.LearningRows)) + Widened(),
            DecodingMaps * shape.Vae.Channels[0] * decoded * Single,
            options.OnePartAtATime,
            demand.Given is { } image ? ImageBytes * image.Width * image.Height : 0,
            KeysAndValues(together),
            weight < Single);

        long Maps(int rows) => rows * finest * NetworkMaps * number;

        long KeysAndValues(int rows) => KeptTexts * rows * 2 * shape.UNet.CrossAttentionWidths * ClipTokenizer.DefaultMaxLength * number;

        // Autograd keeps the activations of small runs; for larger ones each link is recomputed.
        long Gradient(int rows) => DifferentiableUNet.KeptBytes(rows * finest, number) is var kept && kept <= DifferentiableUNet.MaxKept && !options.OnePartAtATime
            ? kept : rows * finest * GradientMaps * Single;

        // Of a layer with narrow weights, while it runs.
        long Widened() => precision.HasNarrowWeights ? files.Weights(ModelParts.UNet).Tensors.Values.Max(tensor => tensor.Count) * number : 0;

        long Parameters(string part) => PartReport.Of(part, files.Weights(part)).Parameters;
    }

    /// <summary>Rejects a run that does not fit into memory.</summary>
    /// <param name="memory">The available memory in bytes.</param>
    /// <param name="owner">What has this memory, for the message: a subject and a verb.</param>
    /// <param name="takesAllParts">Whether the run needs all parts of the model in memory.</param>
    /// <exception cref="InvalidInputException">The peak exceeds the memory; the message advises how to reduce it.</exception>
    public void RequireFits(long memory, string owner = "this machine has", bool takesAllParts = false)
    {
        InvalidInputException.Require(Peak <= memory, FormattableString.Invariant(
            $"The run needs about {Gigabytes(Peak)} GB (weights {Gigabytes(Weights)}, network {Gigabytes(Running)}, decoding {Gigabytes(Decoding)}, images {Gigabytes(Images)}); {owner} {Gigabytes(memory)} GB. {Advice(takesAllParts)}"));
    }

    private static string Gigabytes(long bytes) => FormattableString.Invariant($"{bytes / 1e9:F1}");

    private string Advice(bool takesAllParts) => Images > Peak / 2 ? "Use a smaller image."
        : DecodesAtPeak ? "Use VAE tiling or a smaller size."
        : takesAllParts ? (Has16BitWeights ? "Use a smaller size or a smaller batch." : "Use a smaller size, a smaller batch or bfloat16.")
        : OnePartAtATime ? (Has16BitWeights ? "Use a smaller size." : "Use a smaller size or bfloat16.")
        : Has16BitWeights ? "Use low memory, a smaller size or fewer prompts at once."
        : "Use low memory, a smaller size, fewer prompts at once or bfloat16.";
}
