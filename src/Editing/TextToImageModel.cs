using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Editing;

/// <summary>The check that a model is a plain text-to-image model.</summary>
internal static class TextToImageModel
{
    /// <summary>Rejects inpainting models and models that were distilled to take guidance as an input.</summary>
    /// <param name="model">The model.</param>
    /// <param name="work">The operation that needs a text-to-image model, as in "invert images".</param>
    /// <param name="acceptsGuidance">Whether the model may take guidance as an input.</param>
    /// <param name="advice">Advice beside another model.</param>
    /// <exception cref="InvalidInputException">The model is of one of these types.</exception>
    public static void Require(StableDiffusionModel model, string work, bool acceptsGuidance = false, string advice = "")
    {
        if (model.Shape.UNet.InChannels != model.Shape.Vae.LatentChannels)
            throw new InvalidInputException($"The U-Net of {model.Directory} takes {model.Shape.UNet.InChannels} channels; an inpainting model cannot {work}.");
        if (model.Denoiser.TakesGuidance && !acceptsGuidance)
            throw new InvalidInputException($"{model.Directory} was distilled to a few steps and takes guidance as an input, so it cannot {work}. Use the model it was distilled from{advice}.");
    }
}
