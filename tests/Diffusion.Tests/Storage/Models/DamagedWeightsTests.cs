using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>Weights that have the right names and shapes and cannot be computed with.</summary>
public sealed class DamagedWeightsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Bool)]
    public void WholeNumbersAreNoWeights(ScalarType type)
    {
        const string Name = "conv_in.weight";
        var model = Changed(ModelParts.UNet, Name, weight => weight.to(type));

        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(model)).Message;

        Assert.Contains(Name, error);
        Assert.Contains(type.ToString(), error);
        var unet = ModelCheck.Of(model).Single(part => !part.IsSound);
        Assert.Equal([Name], unet.Mistyped);
        Assert.Empty(unet.Misshapen);
        Assert.Throws<InvalidInputException>(() => ModelConverter.ToDirectory(model, folder["converted"], null));
    }

    [Fact]
    public void AnImageThatIsNotMadeOfNumbersIsRefused()
    {
        var path = Changed(ModelParts.Vae, "decoder.conv_out.weight", weight => full(weight.shape, float.NaN));
        using var model = StableDiffusionModel.Load(path);

        var error = Assert.Throws<InvalidInputException>(() => model.Vae.DecodeImages(zeros(1, 4, 4, 4))).Message;

        Assert.Contains("autoencoder", error);
        Assert.DoesNotContain('\n', error);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private string Changed(string part, string name, Func<Tensor, Tensor> change)
    {
        var model = SmallModel.Write(folder["m"]);
        var path = Path.Combine(model, part, ModelParts.WeightsFile(part));
        Dictionary<string, Tensor> weights;
        using (var file = SafetensorsFile.Open(path))
            weights = file.Tensors.Keys.ToDictionary(key => key, key => file.Read(key).clone());
        weights[name] = change(weights[name]);
        SafetensorsWriter.Write(path, weights);
        return model;
    }
}
