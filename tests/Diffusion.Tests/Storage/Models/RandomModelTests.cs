using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class RandomModelTests : IDisposable
{
    private static readonly ModelConfig Small = SmallModel.Shape;
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void IsAModelOfItsShape()
    {
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(Write("m", ScalarType.Float16, 1));

        Assert.Equivalent(Small.UNet, model.Shape.UNet, strict: true);
        Assert.Equivalent(Small.TextEncoder, model.TextEncoders[0].Model.Config, strict: true);
        Assert.Equivalent(Small.Vae, model.Shape.Vae, strict: true);
        Assert.Equivalent(Small.Scheduler with { TimestepSpacing = null }, model.SchedulerConfig, strict: true);
        Assert.Equal(SmallModel.Tokens, model.Tokenizer.VocabularySize);
        using var context = TextConditioning.Encode(model, [model.Tokenizer.Tokenize("a cat")]);
        var predicted = model.UNet.Forward(randn(1, 4, 8, 8), tensor(new[] { 981L }), context);
        Assert.True(predicted.isfinite().all().item<bool>());
        Assert.Equal([1, 3, 16, 16], model.Vae.Decode(predicted).shape);
    }

    [Fact]
    public void SeedAndTypeDecideEveryByte()
    {
        var first = Bytes(Write("a", ScalarType.BFloat16, 5));
        Assert.Equal(first, Bytes(Write("b", ScalarType.BFloat16, 5)));
        Assert.NotEqual(first, Bytes(Write("c", ScalarType.BFloat16, 6)));
        using var file = SafetensorsFile.Open(Weights(folder["a"]));
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(ScalarType.BFloat16, tensor.DType));
    }

    [Fact]
    public void StoppedHalfwayItIsNoModel()
    {
        using var cancellationToken = new CancellationTokenSource();
        cancellationToken.Cancel();
        Assert.Throws<OperationCanceledException>(() => RandomModel.Write(folder["m"], Small, ScalarType.Float32, 0, cancellationToken.Token));
        Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(folder["m"]));
    }

    public void Dispose() => folder.Dispose();

    private static string Weights(string directory) => Path.Combine(directory, "unet", "diffusion_pytorch_model.safetensors");

    private static byte[] Bytes(string directory) => File.ReadAllBytes(Weights(directory));

    private string Write(string name, ScalarType dtype, ulong seed)
    {
        SmallModel.WriteTokenizer(Path.Combine(folder[name], "tokenizer"));
        RandomModel.Write(folder[name], Small, dtype, seed);
        return folder[name];
    }
}
