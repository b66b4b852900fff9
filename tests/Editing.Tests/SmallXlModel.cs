using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests;

/// <summary>A model of the form of Stable Diffusion XL with random weights: two text encoders, and a vector of text and sizes.</summary>
public sealed class SmallXlModel : IDisposable
{
    private const int Tokens = 600;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-tests-");

    public SmallXlModel()
    {
        BpeTrainer.Train(["a red house in a field", "a blue castle"], merges: 60).PadTo(Tokens).Save(Path.Combine(folder.FullName, "tokenizer"));
        var xl = ModelConfig.StableDiffusionXl;
        var text = xl.TextEncoder with { VocabularySize = Tokens, HiddenSize = 24, IntermediateSize = 64, Heads = 2, Layers = 2 };
        RandomModel.Write(
            folder.FullName,
            xl with
            {
                UNet = xl.UNet with
                {
                    Levels = [new(32, 2, false, false, 1), new(64, 4, true, true, 2)],
                    LayersPerBlock = 1,
                    CrossAttentionDim = 24 + 32,
                    Vector = new AddedConditioningConfig(Width: 20 + (6 * 8), SizeWidth: 8),
                    SampleSize = 16,
                },
                TextEncoder = text,
                TextEncoder2 = text with { HiddenSize = 32, QuickGelu = false, ProjectionSize = 20 },
                Vae = xl.Vae with { Channels = [32, 32], LayersPerBlock = 1 },
            },
            ScalarType.Float32,
            seed: 1);
        Model = StableDiffusionModel.Load(folder.FullName);
    }

    public StableDiffusionModel Model { get; }

    public void Dispose()
    {
        Model.Dispose();
        folder.Delete(recursive: true);
    }
}
