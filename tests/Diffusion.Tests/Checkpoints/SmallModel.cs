using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Tokenization;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Checkpoints;

/// <summary>Model directories with random weights, small enough for tests of formats.</summary>
internal static class SmallModel
{
    public const int Tokens = 600;

    public static ModelShape Shape { get; } = ModelShape.StableDiffusion21 with
    {
        UNet = ModelShape.StableDiffusion21.UNet with
        {
            Levels = [new(32, 2, true, true, 1), new(64, 4, false, true, 2)],
            LayersPerBlock = 1,
            CrossAttentionDim = 32,
            SampleSize = 8,
        },
        TextEncoder = ModelShape.StableDiffusion21.TextEncoder with { VocabularySize = Tokens, HiddenSize = 32, IntermediateSize = 64, Heads = 2, Layers = 1 },
        Vae = ModelShape.StableDiffusion21.Vae with { Channels = [32, 32], LayersPerBlock = 1 },
    };

    /// <summary>Writes one and returns its directory.</summary>
    public static string Write(string directory, ModelShape? shape = null, ScalarType dtype = ScalarType.Float32)
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
