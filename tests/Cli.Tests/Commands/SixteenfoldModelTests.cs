using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>The commands with a model of 16 pixels per latent position and 16 latent channels: sizes and shapes follow the model's configs.</summary>
public sealed class SixteenfoldModelTests(Tiny16Model small) : IClassFixture<Tiny16Model>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string[] Fast => ["--model", small.Folder, "--steps", "2", "-o", folder["out"]];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EditsWithABlend()
    {
        InProcess.Run(["edit", "a red house in a field", "a red castle in a field", "--blend", "house:castle", "--size", "160x128", "--trace", folder["trace.safetensors"], .. Fast]).Succeeded();
        Assert.Equal(new PixelSize(160, 128), Image.Load(folder["out/edit-1.png"]).Size);
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        Assert.Equal([3, 2, 16, 8, 10], trace.Tensors["latents"].Shape);
        Assert.Equal([8L, 10], trace.Tensors["blend.mask"].Shape[^2..]);
    }

    [Fact]
    public void RefusesASizeThatIsNoMultipleOf16() =>
        Assert.Contains("16", InProcess.Run(["generate", "a red house", "--size", "136x128", .. Fast]).FailedWith(2), StringComparison.Ordinal);

    [Theory]
    [InlineData("null-text")]
    [InlineData("ddim")]
    public void InvertsAndEditsAnImageOfAnySize(string method)
    {
        Draw(folder["picture.png"], 90, 70);
        InProcess.Run(["edit", "a red house in a field", "a blue house in a field", "--image", folder["picture.png"], "--method", method, .. Fast]).Succeeded();
        Assert.Equal(new PixelSize(90, 70), Image.Load(folder["out/edit-1.png"]).Size);
    }

    [Fact]
    public void InpaintsInsideTheMaskOnly()
    {
        var image = Draw(folder["picture.png"], 128, 128);
        var mask = new Image(128, 128, [.. Enumerable.Range(0, 128 * 128 * 3).Select(i => (byte)(i / 3 % 128 is > 40 and < 90 && i / 3 / 128 is > 40 and < 90 ? 255 : 0))]);
        Image.SavePng(mask.ToBitmap(), folder["mask.png"]);
        InProcess.Run(["inpaint", folder["picture.png"], folder["mask.png"], "a red house", .. Fast]).Succeeded();
        var edited = Image.Load(folder["out/edit-1.png"]);
        Assert.NotEqual(image.Rgb, edited.Rgb);
        Assert.All(Enumerable.Range(0, image.Rgb.Length).Where(i => mask.Rgb[i] == 0), i => Assert.Equal(image.Rgb[i], edited.Rgb[i]));
    }

    [Fact]
    public void TilesOfTheAutoencoderAreCutAtItsPositions()
    {
        InProcess.Run(["generate", "a red house", "--size", "640x128", "--vae-tiling", .. Fast]).Succeeded();
        Assert.Equal(new PixelSize(640, 128), Image.Load(folder["out/source.png"]).Size);
    }

    [Fact]
    public void ConvertsToASingleFileAndBack()
    {
        InProcess.Run(["models", "convert", small.Folder, "-o", folder["single.safetensors"]]).Succeeded();
        InProcess.Run(["models", "convert", folder["single.safetensors"], "-o", folder["back"]]).Succeeded();
        using var before = SafetensorsFile.Open(Path.Combine(small.Folder, "vae", "diffusion_pytorch_model.safetensors"));
        using var after = SafetensorsFile.Open(folder["back/vae/diffusion_pytorch_model.safetensors"]);
        Assert.Equal(before.Tensors.Keys.Order(StringComparer.Ordinal), after.Tensors.Keys.Order(StringComparer.Ordinal));
    }

    private static Image Draw(string path, int width, int height)
    {
        var image = new Image(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)((i % 3 * 70) + (i / 3 % width)))]);
        Image.SavePng(image.ToBitmap(), path);
        return image;
    }
}
