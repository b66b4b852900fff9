using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>What a model on disk is, told by its configs and the headers of its weights: nothing is loaded.</summary>
/// <param name="Path">The directory or file.</param>
/// <param name="Format">What kind of files these are, in words.</param>
/// <param name="Family">The family of models it belongs to, in words.</param>
/// <param name="IsInpainting">Whether the U-Net was made for inpainting.</param>
/// <param name="Prediction">What the network predicts.</param>
/// <param name="PredictionSource">Where that is said, in words.</param>
/// <param name="PictureSize">Side of the pictures it was trained on, in pixels.</param>
/// <param name="Parts">The parts that have weights.</param>
/// <param name="IgnoredTensors">Tensors of a single file that are no part of the model.</param>
internal sealed record ModelReport(
    string Path, string Format, string Family, bool IsInpainting, PredictionType Prediction, string PredictionSource, int PictureSize,
    IReadOnlyList<PartReport> Parts, int IgnoredTensors)
{
    /// <summary>Warnings for the user: what in its configs is not understood, and the sampler that replaces its own.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Looks at a model.</summary>
    /// <param name="path">A model directory or a single file.</param>
    /// <param name="options">As for loading it.</param>
    /// <exception cref="InvalidInputException">There is no such model, or it is damaged.</exception>
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
            Notes = shape.Scheduler.Substitution is { } sampler ? [.. files.Notes, sampler] : files.Notes,
        };
    }

    // Published families differ in their text encoders.
    private static string FamilyOf(ModelConfig shape) => shape.UNet.CrossAttentionDim switch
    {
        _ when shape.TextEncoder2 is not null && shape.TextEncoder2 == ModelConfig.StableDiffusionXl.TextEncoder2 => SingleFileLayout.XlName,
        _ when shape.TextEncoder == ModelConfig.StableDiffusion15.TextEncoder => "Stable Diffusion 1",
        _ when shape.TextEncoder == ModelConfig.StableDiffusion21.TextEncoder => "Stable Diffusion 2",
        var width => $"own shape, text {width} wide",
    };
}

/// <summary>The weights of one part.</summary>
/// <param name="Name">Name of the part's folder in a model directory.</param>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Parameters">Number of numbers in them.</param>
/// <param name="Bytes">Their size on disk.</param>
/// <param name="Types">The types they are stored in, such as <c>float16</c> or <c>float8_e4m3</c>.</param>
/// <param name="Files">The files they are in.</param>
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
