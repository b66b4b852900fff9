using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Vae;

public class AutoencoderKLTests
{
    [Theory]
    [InlineData("tiny-sd15")]
    [InlineData("tiny-sd21")]
    [InlineData("tiny-sdxl")]
    public void MomentsAndImagesMatchTheReference(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var weights = reference.Stored("vae");
        var model = new AutoencoderKL(AutoencoderConfig.FromFile(reference.Config("vae")), weights.Root);
        weights.RequireAllUsed();
        var goldens = reference.Goldens("vae");
        var pixels = goldens.Read("pixel_values");
        var scale = model.Config.ScalingFactor;

        var (mean, logVariance) = model.Moments(pixels);

        ReferenceModel.AssertClose(goldens, "mean", mean);
        ReferenceModel.AssertClose(goldens, "logvar", logVariance);
        ReferenceModel.AssertClose(goldens, "mean", model.Encode(pixels) / scale);
        ReferenceModel.AssertClose(goldens, "dec_image", model.Decode(goldens.Read("dec_latent") * scale));
        if (goldens.Tensors.ContainsKey("rec_image"))
            ReferenceModel.AssertClose(goldens, "rec_image", model.Decode(model.Encode(pixels)));
        if (goldens.Tensors.ContainsKey("scaled_latent"))
        {
            ReferenceModel.AssertClose(goldens, "scaled_latent", model.Encode(pixels));
            ReferenceModel.AssertClose(goldens, "dec_of_scaled", model.Decode(goldens.Read("scaled_latent")));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OldAttentionNamesAndShapesAreRead(bool asConvolutions)
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var config = AutoencoderConfig.FromFile(reference.Config("vae"));
        var file = reference.Weights("vae");
        using var old = new StoredWeights("old", file.Tensors.ToDictionary(t => OldName(t.Key), t =>
            asConvolutions && OldName(t.Key) != t.Key && t.Key.EndsWith(".weight", StringComparison.Ordinal)
                ? new StoredWeight([.. t.Value.Shape, 1, 1], () => file.Read(t.Key).unsqueeze(-1).unsqueeze(-1))
                : new StoredWeight(t.Value.Shape, () => file.Read(t.Key))));
        var model = new AutoencoderKL(config, old.Root);
        old.RequireAllUsed();
        var goldens = reference.Goldens("vae");

        ReferenceModel.AssertClose(goldens, "mean", model.Moments(goldens.Read("pixel_values")).Mean);
        ReferenceModel.AssertClose(goldens, "dec_of_scaled", model.Decode(goldens.Read("scaled_latent")));
    }

    /// <summary>Latents whose channels have a mean and a deviation, against the same written out channel by channel, and back.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LatentsAreNormalizedChannelByChannel(bool isTiled)
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        double[] means = [-1.6, 0.1, 0.5, -0.2], deviations = [8.4, 5.9, 3.7, 4.2];
        var config = AutoencoderConfig.FromFile(reference.Config("vae")) with { ScalingFactor = 0.5 };
        var weights = reference.Stored("vae");
        var plain = new AutoencoderKL(config, weights.Root) { IsTiled = isTiled };
        var model = new AutoencoderKL(config with { LatentMeans = means, LatentDeviations = deviations }, weights.Root) { IsTiled = isTiled };
        var pixels = reference.Goldens("vae").Read("pixel_values");

        var encoded = model.Encode(pixels);

        var z = plain.Moments(pixels).Mean;
        for (var c = 0; c < 4; c++)
            Assert.True(((z.select(1, c) - means[c]) * 0.5 / deviations[c]).allclose(encoded.select(1, c), rtol: 1e-4, atol: 1e-5));
        Assert.True(plain.Decode(z * 0.5).allclose(model.Decode(encoded), atol: 1e-4));
        Assert.False(plain.Decode(encoded).allclose(model.Decode(encoded), atol: 1e-2));
    }

    [Theory]
    [InlineData("""{"latents_mean":[1,2,3]}""", "latents_mean")]
    [InlineData("""{"latents_mean":[1,2,3,4]}""", "latents_std")]
    [InlineData("""{"latents_std":[1,2,3,4]}""", "latents_mean")]
    [InlineData("""{"latents_mean":[1,2,3,4],"latents_std":[1,2,3]}""", "latents_std")]
    [InlineData("""{"latents_mean":[1,2,3,4],"latents_std":[1,0,3,4]}""", "latents_std")]
    [InlineData("""{"latents_mean":[1,2,3,"4"],"latents_std":[1,1,3,4]}""", "latents_mean")]
    [InlineData("""{"latents_mean":5,"latents_std":[1,1,3,4]}""", "latents_mean")]
    public void MeansAndDeviationsThatDoNotFitAreRefused(string fields, string named)
    {
        var config = ModelConfig.StableDiffusion15.Vae.ToJson();
        foreach (var (field, value) in JsonNode.Parse(fields)!.AsObject())
            config[field] = value!.DeepClone();
        var error = Assert.Throws<InvalidInputException>(() => AutoencoderConfig.FromJson(JsonConfig.Parse("c", Encoding.UTF8.GetBytes(config.ToJsonString()))));
        Assert.Contains($"\"{named}\"", error.Message);
    }

    [Fact]
    public void MeansAndDeviationsAreWrittenAsTheyAreRead()
    {
        var config = ModelConfig.StableDiffusion15.Vae with { LatentMeans = [1, 2, 3, 4], LatentDeviations = [0.5, 1, 2, 4] };
        var read = AutoencoderConfig.FromJson(JsonConfig.Parse("c", Encoding.UTF8.GetBytes(config.ToJson().ToJsonString())));
        Assert.Equal(config.LatentMeans, read.LatentMeans);
        Assert.Equal(config.LatentDeviations, read.LatentDeviations);
    }

    private static string OldName(string name) => name
        .Replace(".to_q.", ".query.", StringComparison.Ordinal)
        .Replace(".to_k.", ".key.", StringComparison.Ordinal)
        .Replace(".to_v.", ".value.", StringComparison.Ordinal)
        .Replace(".to_out.0.", ".proj_attn.", StringComparison.Ordinal);
}
