using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Autoencoder;

public class AutoencoderKLTests
{
    [Theory]
    [InlineData("tiny-sd15")]
    [InlineData("tiny-sd21")]
    [InlineData("tiny-sdxl")]
    public void MomentsAndPicturesMatchTheReference(string name)
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

    private static string OldName(string name) => name
        .Replace(".to_q.", ".query.", StringComparison.Ordinal)
        .Replace(".to_k.", ".key.", StringComparison.Ordinal)
        .Replace(".to_v.", ".value.", StringComparison.Ordinal)
        .Replace(".to_out.0.", ".proj_attn.", StringComparison.Ordinal);
}
