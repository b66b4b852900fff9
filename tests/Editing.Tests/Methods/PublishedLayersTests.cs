using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Methods;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>The layers of large models that methods share with their source, without their weights.</summary>
public sealed class PublishedLayersTests
{
    // The last six of 16.
    [Fact]
    public void MasaCtrlSharesThePublishedLayersOfStableDiffusion1() =>
        Assert.Equal(Layers([2, 3], [0, 1, 2], [0]), Shared(new MasaCtrl { ShareStart = 0 }, ModelConfig.StableDiffusion15.UNet));

    // Layers 44 to 69, one of the authors' choices: after the first transformer of the decoder.
    [Fact]
    public void MasaCtrlSharesTheCorrespondingLayersOfXl() =>
        Assert.Equal([.. Layers([0], [1, 2], [.. Enumerable.Range(0, 10)]), .. Layers([1], [0, 1, 2], [0, 1])], Shared(new MasaCtrl { ShareStart = 0 }, ModelConfig.StableDiffusionXl.UNet));

    [Fact]
    public void PlugAndPlaySharesThePublishedLayersOfStableDiffusion1() =>
        Assert.Equal(Layers([1, 2, 3], [0, 1, 2], [0]).Skip(1), Shared(new PlugAndPlay(), ModelConfig.StableDiffusion15.UNet));

    [Fact]
    public void PlugAndPlaySharesTheCorrespondingLayersOfXl() =>
        Assert.Equal([.. Layers([0], [1, 2], [.. Enumerable.Range(0, 10)]), .. Layers([1], [0, 1, 2], [0, 1])], Shared(new PlugAndPlay(), ModelConfig.StableDiffusionXl.UNet));

    [Theory]
    [InlineData("up_blocks.1.resnets.1", true)]
    [InlineData("up_blocks.1.resnets.0", false)]
    [InlineData("up_blocks.0.resnets.1", false)]
    [InlineData("down_blocks.1.resnets.1", false)]
    public void PlugAndPlaySharesThePublishedBlockOfStableDiffusion1(string block, bool isShared)
    {
        using var scope = NewDisposeScope();
        var processor = new PlugAndPlay().Attention(Run(ModelConfig.StableDiffusion15.UNet), AttentionProcessor.Plain);
        var features = randn(2, 3, 4, 4);
        var shared = processor.Residual(new(new ResidualSite(0, UNetStage.Up, block), Step), features);
        Assert.Equal(isShared, shared[0].Equals(shared[1]));
    }

    private static DenoisingStep Step { get; } = new(0, 1, [new(0, true), new(1, true)]);

    private static MethodRun Run(UNetConfig network) => new() { Network = network, Steps = 50, MapSize = (16, 16) };

    private static IEnumerable<string> Layers(int[] levels, int[] transformers, int[] blocks) =>
        from level in levels
        from transformer in transformers
        from block in blocks
        select $"up_blocks.{level}.attentions.{transformer}.transformer_blocks.{block}.attn1";

    // The layers that an edit does not compute from its own activations alone.
    private static List<string> Shared(EditMethod method, UNetConfig config)
    {
        using var scope = NewDisposeScope();
        using var weights = new PlannedWeights();
        var shared = new List<string>();
        var processor = method.Attention(Run(config), new Recorder(shared));
        var activation = randn(2, 1, 4, 2);
        foreach (var site in new UNet2DConditionModel(config, weights.Root).AttentionSites)
            processor.Attend(new(site, Step, 2, 2), activation, activation, activation);
        return shared;
    }

    private sealed class Recorder(List<string> shared) : AttentionProcessor
    {
        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            if (key[0].Equals(key[1]))
                shared.Add(call.Site.Name);
            return value.clone();
        }
    }
}
