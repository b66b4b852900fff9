using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The index of a model directory: which pipeline its parts make.</summary>
internal static class ModelIndex
{
    /// <summary>Name of the index's file.</summary>
    public const string FileName = "model_index.json";

    /// <summary>The field that says whether an empty prompt is zeros.</summary>
    public const string ZerosField = "force_zeros_for_empty_prompt";

    private static readonly string[] Pipelines =
        ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline", "StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline", "LatentConsistencyModelPipeline", ""];

    /// <summary>The class that runs a model of a shape in the library of this format.</summary>
    public static string PipelineName(ModelConfig shape) =>
        shape.UNet.GuidanceWidth is not null && shape.TextEncoder2 is null ? "LatentConsistencyModelPipeline" :
        $"StableDiffusion{(shape.TextEncoder2 is null ? "" : "XL")}{(shape.IsInpainting ? "Inpaint" : "")}Pipeline";

    /// <summary>Throws unless the index is that of a pipeline that can be loaded.</summary>
    /// <exception cref="InvalidInputException">It is another pipeline's.</exception>
    public static void RequireKnown(JsonConfig index)
    {
        if (!Pipelines.Contains(index.Text("_class_name", "")))
            throw index.Error("_class_name", $"is \"{index.Text("_class_name")}\"; only {string.Join(", ", Pipelines[..^1])} models can be loaded");
    }
}
