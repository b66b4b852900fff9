using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Testing;

/// <summary>The same of the form of Stable Diffusion XL: two text encoders, and a vector of text and sizes.</summary>
public sealed class TinyXlModel() : TinyModel(Form)
{
    private static ModelConfig Form(int tokens)
    {
        var xl = ModelConfig.StableDiffusionXl;
        var text = xl.TextEncoder with { VocabularySize = tokens, HiddenSize = 24, IntermediateSize = 64, Heads = 2, Layers = 2 };
        return xl with
        {
            UNet = xl.UNet with
            {
                Levels = [new(32, 2, false, false, 1), new(64, 4, true, true, 2)],
                LayersPerBlock = 1,
                CrossAttentionDim = 24 + 32,
                Vector = new AddedConditioningConfig(Width: 20 + (6 * 8), SizeWidth: 8),
                SampleSize = 8,
            },
            TextEncoder = text,
            TextEncoder2 = text with { HiddenSize = 32, QuickGelu = false, ProjectionSize = 20 },
            Vae = xl.Vae with { Channels = [32, 32, 32], LayersPerBlock = 1 },
        };
    }
}
