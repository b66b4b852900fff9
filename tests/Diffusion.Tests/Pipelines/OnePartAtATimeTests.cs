using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.UNet;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

/// <summary>A model of which the weights of one part are in memory at a time.</summary>
public sealed class OnePartAtATimeTests : IDisposable
{
    private static readonly ModelLoadOptions Options = new() { OnePartAtATime = true };
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void ComputesWhatAModelInMemoryDoes()
    {
        var path = SmallModel.Write(folder["m"], SmallModel.XlShape);
        using var whole = StableDiffusionModel.Load(path);
        using var parts = StableDiffusionModel.Load(path, options: Options);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var (expected, actual) = (Encode(whole), Encode(parts));
            Assert.True(Same(expected.Text, actual.Text));
            Assert.True(Same(expected.Vector!, actual.Vector!));
            var (noise, latents) = (Predict(whole, expected), Predict(parts, actual));
            Assert.True(Same(noise, latents));
            Assert.True(Same(whole.Vae.Decode(noise), parts.Vae.Decode(latents)));
        }

        Assert.Equal(whole.Fingerprint, parts.Fingerprint);
    }

    [Fact]
    public void TakingAPartLetsGoOfTheOthers()
    {
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"], SmallModel.XlShape), options: Options);
        var before = model.UNet;
        Assert.Same(before, model.UNet);
        var encoders = model.TextEncoders;
        Assert.NotSame(before, model.UNet);
        Assert.NotSame(encoders, model.TextEncoders);
    }

    [Fact]
    public void WeightsAreReadWhenTheyAreNeededAndAreGoneAfterwards()
    {
        var path = SmallModel.Write(folder["m"]);
        using var model = StableDiffusionModel.Load(path, dtype: ScalarType.BFloat16, options: Options);
        var none = Live;
        _ = model.UNet;
        Assert.True(Live > none);
        model.Dispose();
        Assert.Equal(none, Live);
    }

    [Fact]
    public void WhatIsWrongWithAnyPartIsSaidBeforeTheFirstIsUsed()
    {
        var path = SmallModel.Write(folder["m"]);
        var file = Path.Combine(path, ModelParts.Vae, ModelParts.WeightsFile(ModelParts.Vae));
        Dictionary<string, Tensor> weights;
        using (var stored = SafetensorsFile.Open(file))
            weights = stored.Tensors.Keys.Skip(1).ToDictionary(key => key, key => stored.Read(key).clone());
        SafetensorsWriter.Write(file, weights);

        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(path, options: Options)).Message;

        Assert.Contains(file, error, StringComparison.Ordinal);
    }

    [Fact]
    public void FilesThatChangeMeanwhileAreRefused()
    {
        var path = SmallModel.Write(folder["m"]);
        using var model = StableDiffusionModel.Load(path, options: Options);
        _ = model.UNet;
        RandomModel.Write(path, SmallModel.Shape, ScalarType.Float32, seed: 2);
        Assert.Contains("changed", Assert.Throws<InvalidInputException>(() => model.Vae).Message);
    }

    [Fact]
    public void WhatIsDisposedIsNotLoadedAgain()
    {
        var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"]), options: Options);
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.UNet);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private static long Live => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static bool Same(Tensor expected, Tensor actual) => expected.shape.SequenceEqual(actual.shape) && (expected - actual).abs().max().ToSingle() == 0;

    private static Conditioning Encode(StableDiffusionModel model) => TextConditioning.Encode(model, [model.Tokenizer.Tokenize("a cat")]);

    private static Tensor Predict(StableDiffusionModel model, Conditioning text) =>
        model.UNet.Forward(ones(1, 4, 8, 8), tensor(new[] { 5L }), text);
}
