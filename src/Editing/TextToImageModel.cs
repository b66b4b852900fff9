using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Editing;

/// <summary>What works with models that were trained to denoise a picture of a text, and with no others.</summary>
internal static class TextToImageModel
{
    /// <summary>Refuses models made for inpainting, and those that were distilled to take guidance as an input.</summary>
    /// <param name="model">The model.</param>
    /// <param name="work">What it is to do, as in "invert pictures".</param>
    /// <exception cref="InvalidInputException">It is one of them.</exception>
    public static void Require(StableDiffusionModel model, string work)
    {
        if (model.Shape.UNet.InChannels != model.Shape.Vae.LatentChannels)
            throw new InvalidInputException($"The U-Net of {model.Directory} takes {model.Shape.UNet.InChannels} channels; a model made for inpainting cannot {work}.");
        if (model.Denoiser.TakesGuidance)
            throw new InvalidInputException($"{model.Directory} was distilled to a few steps and takes guidance as an input; it cannot {work}, give the model it was made from.");
    }
}
