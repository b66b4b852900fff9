using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Testing;

/// <summary>One whose autoencoder shrinks images by 16, in five levels, to latents of 16 channels: 128×128 pixels to 8×8 positions.</summary>
public sealed class Tiny16Model() : TinyModel(Form)
{
    private static ModelConfig Form(int tokens)
    {
        var sd = ModelConfig.StableDiffusion15;
        return sd with
        {
            UNet = sd.UNet with
            {
                InChannels = 16,
                OutChannels = 16,
                Levels = [new(32, 2, true, true, 1), new(64, 4, true, true, 1)],
                LayersPerBlock = 1,
                CrossAttentionDim = 32,
                SampleSize = 8,
            },
            TextEncoder = sd.TextEncoder with { VocabularySize = tokens, HiddenSize = 32, IntermediateSize = 64, Heads = 2, Layers = 2 },
            Vae = sd.Vae with { LatentChannels = 16, Channels = [32, 32, 32, 32, 32], LayersPerBlock = 1 },
            Scheduler = sd.Scheduler with { ClassName = "DDIMScheduler" },
        };
    }
}
