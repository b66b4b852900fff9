using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>A description of a model on disk, from its configs and the headers of its weights. Nothing is loaded.</summary>
/// <param name="Path">The directory or file.</param>
/// <param name="Format">Description of the format.</param>
/// <param name="Family">Name of the model family.</param>
/// <param name="IsInpainting">Whether the U-Net is an inpainting model.</param>
/// <param name="Prediction">The network's prediction type.</param>
/// <param name="PredictionSource">Description of where the prediction type comes from.</param>
/// <param name="ImageSize">Side of the training images, in pixels.</param>
/// <param name="Parts">The parts that have weights.</param>
/// <param name="IgnoredTensors">Number of tensors in a single file that are not part of the model.</param>
internal sealed record ModelReport(
    string Path, string Format, string Family, bool IsInpainting, PredictionType Prediction, string PredictionSource, int ImageSize,
    IReadOnlyList<PartReport> Parts, int IgnoredTensors)
{
    /// <summary>Warnings about unsupported config entries and about a replaced scheduler.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Examines a model.</summary>
    /// <param name="path">A model directory or a single file.</param>
    /// <param name="options">The load options.</param>
    /// <exception cref="InvalidInputException">The model does not exist or is damaged.</exception>
    public static ModelReport Of(string path, ModelLoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        var single = files as SingleFileModel;
        var shape = files.Shape;
        return new ModelReport(
            path,
            files.Format,
            single?.Family ?? FamilyOf(shape),
            shape.IsInpainting,
            shape.Scheduler.PredictionType,
            single?.Prediction.Source ?? (options?.Prediction is null ? "the scheduler's config" : PredictionClue.Chosen),
            shape.UNet.SampleSize * shape.Vae.PixelsPerLatent,
            [.. ModelParts.Of(shape).Select(part => PartReport.Of(part, files.Weights(part)))],
            single?.Ignored.Count ?? 0)
        {
            Notes = shape.Scheduler.Substitution is { } scheduler ? [.. files.Notes, scheduler] : files.Notes,
        };
    }

    // The published families differ in their text encoders.
    private static string FamilyOf(ModelConfig shape) => shape.UNet.CrossAttentionDim switch
    {
        _ when shape.TextEncoder2 is not null && shape.TextEncoder2 == ModelConfig.StableDiffusionXl.TextEncoder2 => SingleFileLayout.XlName,
        _ when shape.TextEncoder == ModelConfig.StableDiffusion15.TextEncoder => "Stable Diffusion 1",
        _ when shape.TextEncoder == ModelConfig.StableDiffusion21.TextEncoder => "Stable Diffusion 2",
        var width => $"custom architecture, text width {width}",
    };
}

/// <summary>The weights of one part.</summary>
/// <param name="Name">The part's directory name in a model directory.</param>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Parameters">Number of parameters.</param>
/// <param name="Bytes">Size on disk in bytes.</param>
/// <param name="Types">The stored types, such as <c>float16</c> or <c>float8_e4m3</c>.</param>
/// <param name="Files">The files.</param>
internal sealed record PartReport(string Name, int Tensors, long Parameters, long Bytes, IReadOnlyList<string> Types, IReadOnlyList<string> Files)
{
    internal static PartReport Of(string part, PartWeights weights)
    {
        var tensors = weights.Tensors.Where(tensor => !ModelParts.MayIgnore(tensor.Key)).Select(tensor => tensor.Value).ToList();
        return new PartReport(
            part,
            tensors.Count,
            tensors.Sum(tensor => tensor.Count),
            tensors.Sum(tensor => tensor.Count * (tensor.Packing is null ? SafetensorsTypes.Size(tensor.Type) : 1)),
            [.. tensors.Select(tensor => tensor.Packing is { } packing ? $"float8_{packing.ToString().ToLowerInvariant()}" : tensor.Type.ToString().ToLowerInvariant()).Distinct()],
            weights.Files);
    }
}
