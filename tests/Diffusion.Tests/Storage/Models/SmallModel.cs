using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>Model directories with random weights, small enough for tests of formats.</summary>
internal static class SmallModel
{
    public const int Tokens = 600;

    public static ModelConfig Shape { get; } = ModelConfig.StableDiffusion21 with
    {
        UNet = ModelConfig.StableDiffusion21.UNet with
        {
            Levels = [new(32, 2, true, true, 1), new(64, 4, false, true, 2)],
            LayersPerBlock = 1,
            CrossAttentionDim = 32,
            SampleSize = 8,
        },
        TextEncoder = ModelConfig.StableDiffusion21.TextEncoder with { VocabularySize = Tokens, HiddenSize = 32, IntermediateSize = 64, Heads = 2, Layers = 1 },
        Vae = ModelConfig.StableDiffusion21.Vae with { Channels = [32, 32], LayersPerBlock = 1 },
    };

    /// <summary>The same of two text encoders.</summary>
    public static ModelConfig XlShape { get; } = Shape with
    {
        UNet = Shape.UNet with
        {
            Levels = [new(32, 2, false, false, 1), new(64, 4, true, true, 2)],
            CrossAttentionDim = 24 + 32,
            Vector = new AddedConditioningConfig(Width: 20 + (6 * 8), SizeWidth: 8),
        },
        TextEncoder = Shape.TextEncoder with { HiddenSize = 24, Layers = 2, QuickGelu = true },
        TextEncoder2 = Shape.TextEncoder with { Layers = 2, ProjectionSize = 20 },
        Scheduler = ModelConfig.StableDiffusionXl.Scheduler,
        ZerosForEmptyPrompt = true,
    };

    /// <summary>Writes one and returns its directory.</summary>
    internal static string Write(string directory, ModelConfig? shape = null, ScalarType dtype = ScalarType.Float32)
    {
        WriteTokenizer(Path.Combine(directory, "tokenizer"));
        RandomModel.Write(directory, shape ?? Shape, dtype, seed: 1);
        return directory;
    }

    public static string WriteTokenizer(string directory)
    {
        BpeTrainer.Train(["a cat"], merges: 10).PadTo(Tokens).Save(directory);
        return directory;
    }
}
