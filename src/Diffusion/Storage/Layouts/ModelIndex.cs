using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The index of a model directory, which names the pipeline of its parts.</summary>
internal static class ModelIndex
{
    /// <summary>File name of the index.</summary>
    public const string FileName = "model_index.json";

    /// <summary>The field that replaces empty prompts by zeros.</summary>
    public const string ZerosField = "force_zeros_for_empty_prompt";

    private static readonly string[] Pipelines =
        ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline", "StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline", "LatentConsistencyModelPipeline", ""];

    /// <summary>The diffusers pipeline class for a model.</summary>
    public static string PipelineName(ModelConfig shape) =>
        shape.UNet.GuidanceWidth is not null && shape.TextEncoder2 is null ? "LatentConsistencyModelPipeline" :
        $"StableDiffusion{(shape.TextEncoder2 is null ? "" : "XL")}{(shape.IsInpainting ? "Inpaint" : "")}Pipeline";

    /// <summary>Requires that the index names a supported pipeline.</summary>
    /// <exception cref="InvalidInputException">The pipeline is not supported.</exception>
    public static void RequireKnown(JsonConfig index)
    {
        if (!Pipelines.Contains(index.Text("_class_name", "")))
            throw index.Error("_class_name", $"is \"{index.Text("_class_name")}\"; only {string.Join(", ", Pipelines[..^1])} models can be loaded");
    }
}
