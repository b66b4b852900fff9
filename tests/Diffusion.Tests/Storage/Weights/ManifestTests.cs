using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Weights;

/// <summary>The models of the published sizes ask for exactly the tensors that the published checkpoints hold.</summary>
public class ManifestTests
{
    private static readonly ModelConfig Sd15 = ModelConfig.StableDiffusion15;
    private static readonly ModelConfig Sd21 = ModelConfig.StableDiffusion21;

    private static readonly ModelConfig Xl = ModelConfig.StableDiffusionXl;

    private static readonly Dictionary<string, Action<WeightScope>> Builders = new()
    {
        ["sd15.unet"] = weights => _ = new UNet2DConditionModel(Sd15.UNet, weights),
        ["sd21.unet"] = weights => _ = new UNet2DConditionModel(Sd21.UNet, weights),
        ["sdxl.unet"] = weights => _ = new UNet2DConditionModel(Xl.UNet, weights),
        ["sdxl.text_encoder_2"] = weights => _ = new ClipTextModel(Xl.TextEncoder2!, weights),
        ["sd15.text_encoder"] = weights => _ = new ClipTextModel(Sd15.TextEncoder, weights),
        ["sd21.text_encoder"] = weights => _ = new ClipTextModel(Sd21.TextEncoder, weights),
        ["sd15.vae.oldkeys"] = weights => _ = new AutoencoderKL(Sd15.Vae, weights),
        ["sd.vae.newkeys"] = weights => _ = new AutoencoderKL(Sd15.Vae, weights),
    };

    [Theory]
    [InlineData("sd15.unet", 859_520_964)]
    [InlineData("sd21.unet", 865_910_724)]
    [InlineData("sdxl.unet", 2_567_463_684)]
    [InlineData("sdxl.text_encoder_2", 694_659_840)]
    [InlineData("sd15.text_encoder", 123_060_480)]
    [InlineData("sd21.text_encoder", 340_387_840)]
    [InlineData("sd15.vae.oldkeys", 83_653_863)]
    [InlineData("sd.vae.newkeys", 83_653_863)]
    public void ModelsTakeEveryTensor(string name, long parameters)
    {
        var manifest = Manifest.Read(name);
        using var scope = NewDisposeScope();
        using var weights = manifest.Weights();

        Builders[name](weights.Root);

        weights.RequireAllUsed();
        Assert.Equal(parameters, manifest.Parameters);
    }

    [Fact]
    public void PublishedConfigsAreReadAsWrittenHere()
    {
        AssertConfig(Sd15.UNet, "sd15.unet", UNetConfig.FromFile);
        AssertConfig(Sd21.UNet, "sd21.unet", UNetConfig.FromFile);
        AssertConfig(Xl.UNet, "sdxl.unet", UNetConfig.FromFile);
        AssertConfig(Sd15.TextEncoder, "sd15.text_encoder", ClipTextConfig.FromFile);
        AssertConfig(Sd21.TextEncoder, "sd21.text_encoder", ClipTextConfig.FromFile);
        AssertConfig(Sd15.Vae, "sd15.vae.oldkeys", AutoencoderConfig.FromFile);
    }

    [Theory]
    [InlineData("sd15.unet")]
    [InlineData("sd21.unet")]
    [InlineData("sdxl.unet")]
    [InlineData("sd15.text_encoder")]
    [InlineData("sd21.text_encoder")]
    [InlineData("sdxl.text_encoder_2")]
    [InlineData("sd.vae.newkeys")]
    public void ModelsThatBeginAskForTheNamesAndShapesOfTheCheckpoint(string name)
    {
        using var scope = NewDisposeScope();
        using var planned = new PlannedWeights();

        Builders[name](planned.Root);

        Assert.Equal(
            Manifest.Read(name).Shapes.Select(entry => $"{entry.Key} {string.Join('x', entry.Value)}").Order(StringComparer.Ordinal),
            planned.Requests.Select(request => $"{request.Name} {string.Join('x', request.Shape)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("sd15.unet", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight")]
    [InlineData("sd21.text_encoder", "text_model.encoder.layers.22.mlp.fc2.bias")]
    [InlineData("sd15.vae.oldkeys", "decoder.mid_block.attentions.0.value.weight")]
    [InlineData("sd.vae.newkeys", "decoder.conv_out.bias")]
    public void DefectiveCheckpointsAreRefusedByTensorName(string name, string tensor)
    {
        AssertRefused(name, tensor, shapes => shapes.Remove(tensor));
        AssertRefused(name, tensor, shapes => shapes[tensor] = [.. shapes[tensor].Select(size => size + 1)]);
        AssertRefused(name, tensor, shapes => shapes[tensor] = [.. shapes[tensor], 1, 1, 1]);
        AssertRefused(name, $"{tensor}.extra", shapes => shapes[$"{tensor}.extra"] = [1]);
    }

    [Fact]
    public void TensorsThatOldWritersAddMayBeIgnored()
    {
        const string Buffer = "text_model.embeddings.position_ids";
        var manifest = Manifest.Read("sd15.text_encoder");
        manifest.Shapes[Buffer] = [1, 77];
        using var scope = NewDisposeScope();
        using var weights = manifest.Weights();

        Builders["sd15.text_encoder"](weights.Root);

        Assert.Equal([Buffer], weights.Unused);
        weights.RequireAllUsed(left => left == Buffer);
    }

    private static void AssertRefused(string name, string tensor, Action<Dictionary<string, long[]>> damage)
    {
        var manifest = Manifest.Read(name);
        damage(manifest.Shapes);
        using var scope = NewDisposeScope();
        using var weights = manifest.Weights();
        var error = Assert.Throws<InvalidInputException>(() =>
        {
            Builders[name](weights.Root);
            weights.RequireAllUsed();
        });
        Assert.Contains($"\"{tensor}\"", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static void AssertConfig<T>(T expected, string name, Func<string, T> read)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, Manifest.Read(name).Config.GetRawText());
            Assert.Equivalent(expected, read(path), strict: true);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
