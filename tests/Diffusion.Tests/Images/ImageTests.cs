using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Images;

public class ImageTests
{
    [Fact]
    public void LatentsAndRoundTripAreTheReferences()
    {
        var folder = ReferenceModel.Folder("nulltext");
        using var reference = new ReferenceModel("tiny-sd15");
        using var scope = NewDisposeScope();
        var vae = new AutoencoderKL(AutoencoderConfig.FromFile(reference.Config("vae")), reference.Stored("vae").Root);
        using var goldens = SafetensorsFile.Open(Path.Combine(folder, "inversion_main.safetensors"));
        var image = Image.Load(Path.Combine(folder, "image.png"));
        Assert.Equal(goldens.Read("image_u8").data<byte>().ToArray(), image.Rgb);

        var latents = vae.EncodeImage(image);

        ReferenceModel.AssertClose(goldens, "vae_latent", latents);
        var decoded = vae.DecodeImages(latents)[0];
        var largest = decoded.Rgb.Zip(Image.Load(Path.Combine(folder, "vae_rec.png")).Rgb, (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(largest, 0, 1);
    }

    [Fact]
    public void SizeThatTheAutoencoderCannotTakeIsRefused()
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        var vae = new AutoencoderKL(AutoencoderConfig.FromFile(reference.Config("vae")), reference.Stored("vae").Root);
        Assert.Contains("33x32", Assert.Throws<InvalidInputException>(() => vae.EncodeImage(ImageFiles.Gradient(33, 32))).Message);
    }

    [Fact]
    public void AMirroredImageHasItsColumnsTurnedRound()
    {
        var mirrored = new Image(2, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]).Mirror();
        Assert.Equal([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9], mirrored.Rgb);
    }
}
