using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Weights;

public class InitialWeightsTests
{
    [Fact]
    public void WeightsThatBeginHaveTheNamesAndShapesOfACheckpoint()
    {
        using var reference = new ReferenceModel("tiny-sd21");
        AssertSame(reference, "text_encoder", (path, weights) => _ = new ClipTextModel(ClipTextConfig.FromFile(path), weights));
        AssertSame(reference, "unet", (path, weights) => _ = new UNet2DConditionModel(UNetConfig.FromFile(path), weights));
        AssertSame(reference, "vae", (path, weights) => _ = new AutoencoderKL(AutoencoderConfig.FromFile(path), weights));
    }

    private static void AssertSame(ReferenceModel reference, string part, Action<string, WeightScope> build)
    {
        using var generator = new Generator(1);
        using var weights = new InitialWeights(generator);
        build(reference.Config(part), weights.Root);
        Assert.Equal(
            reference.Weights(part).Tensors.ToDictionary(t => t.Key, t => string.Join(',', t.Value.Shape)),
            weights.Named.ToDictionary(w => w.Key, w => string.Join(',', w.Value.shape)));
    }
}
