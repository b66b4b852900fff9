using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using SkiaSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class InpaintCommandTests
{
    private static readonly string[] Fast = ["--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder];

    [Fact]
    public void WritesTheResultAtTheImagesSizeAndLeavesTheRestAlone()
    {
        using var folder = new TemporaryFolder();
        var (image, mask) = Inputs(folder);
        var outcome = InProcess.Run([
            "inpaint", folder["picture.png"], folder["mask.png"], "a red house in a field", "--frame", "pad", "--feather", "3", "--json",
            "-o", folder["out"], "--trace", folder["trace.safetensors"], .. Fast]);
        using var json = JsonDocument.Parse(outcome.Succeeded());
        Assert.Equal("inpaint", json.RootElement.GetProperty("command").GetString());
        Assert.Equal("pad", json.RootElement.GetProperty("options").GetProperty("frame").GetString());
        Assert.All(json.RootElement.GetProperty("files").EnumerateArray(), file => Assert.True(File.Exists(file.GetString())));
        Assert.Equal(
            ["edit-1.png", "grid.png", "mask-overlay.png", "run.json", "source.png"],
            Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(image.Rgb, Image.Load(Path.Combine(folder["out"], "source.png")).Rgb);
        var edited = Image.Load(Path.Combine(folder["out"], "edit-1.png"));
        Assert.Equal(image.Size, edited.Size);
        Assert.NotEqual(image.Rgb, edited.Rgb);
        Assert.All(
            Enumerable.Range(0, image.Rgb.Length).Where(i => mask.Rgb[i] == 0), i => Assert.Equal(image.Rgb[i], edited.Rgb[i]));
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        Assert.Equal([3, 1], trace.Tensors["latents"].Shape[..2]);
        Assert.Equal([2, 1, .. trace.Tensors["latents"].Shape[3..]], trace.Tensors["blend.mask"].Shape);
    }

    [Fact]
    public void WholeImageIsShownOnRequest()
    {
        using var folder = new TemporaryFolder();
        var (image, mask) = Inputs(folder);
        InProcess.Run([
            "inpaint", folder["picture.png"], folder["mask.png"], "a red house", "--frame", "fit", "--keep-outside", "false", "-o", folder["out"], .. Fast]).Succeeded();
        var edited = Image.Load(Path.Combine(folder["out"], "edit-1.png"));
        Assert.Contains(Enumerable.Range(0, image.Rgb.Length), i => mask.Rgb[i] == 0 && image.Rgb[i] != edited.Rgb[i]);
    }

    [Theory]
    [InlineData("no-such.png", "mask.png", "no-such.png")]
    [InlineData("picture.png", "text.png", "text.png")]
    [InlineData("picture.png", "small.png", "10x10")]
    [InlineData("picture.png", "mask.png", "--strength", "--strength", "1.5")]
    [InlineData("picture.png", "mask.png", "--feather", "--feather", "soft")]
    [InlineData("picture.png", "mask.png", "--frame", "--frame", "stretch")]
    [InlineData("picture.png", "mask.png", "63x64", "--size", "63x64")]
    public void WrongInputNamesItAndWritesNothing(string image, string mask, string expected, params string[] options)
    {
        using var folder = new TemporaryFolder();
        Inputs(folder);
        new Image(10, 10, [.. Enumerable.Repeat(byte.MaxValue, 300)]).SavePng(folder["small.png"]);
        File.WriteAllText(folder["text.png"], "no picture");
        Assert.Contains(expected, InProcess.Run(["inpaint", folder[image], folder[mask], "a house", "-o", folder["out"], .. options]).FailedWith(2));
        Assert.False(Directory.Exists(folder["out"]));
    }

    // Of what is painted on a transparent ground, at another size; the rule itself is tested with the library.
    [Fact]
    public void TheMaskOfAnEditIsThatOfAnInpainting()
    {
        using var folder = new TemporaryFolder();
        new Image(128, 128, [.. Enumerable.Range(0, 128 * 128 * 3).Select(i => (byte)(i * 7 / 3))]).SavePng(folder["picture.png"]);
        using (var painted = new SKBitmap(new SKImageInfo(64, 64, SKColorType.Rgba8888, SKAlphaType.Unpremul)))
        {
            for (var i = 0; i < 64 * 64; i++)
                painted.SetPixel(i % 64, i / 64, i % 64 < 16 ? SKColors.White : SKColors.White.WithAlpha(0));
            Image.SavePng(painted, folder["mask.png"]);
        }

        InProcess.Run(["inpaint", folder["picture.png"], folder["mask.png"], "a house", "--trace", folder["a.safetensors"], "-o", folder["a"], .. Fast]).Succeeded();
        InProcess.Run([
            "edit", "a house", "a red house", "--image", folder["picture.png"], "--mask", folder["mask.png"], "--method", "direct", "--trace", folder["b.safetensors"], "-o", folder["b"],
            .. Fast]).Succeeded();
        using var inpainted = SafetensorsFile.Open(folder["a.safetensors"]);
        using var edited = SafetensorsFile.Open(folder["b.safetensors"]);
        var mask = Last(inpainted);
        Assert.Equal(mask, Last(edited));
        Assert.Equal(0.25, mask.Count(b => b != 0) / (double)mask.Length);

        static byte[] Last(SafetensorsFile trace)
        {
            using var masks = trace.Read("blend.mask");
            var bytes = masks.to(TorchSharp.torch.ScalarType.Byte).data<byte>().ToArray();
            var (height, width) = ((int)masks.shape[^2], (int)masks.shape[^1]);
            return bytes[^(height * width)..];
        }
    }

    private static (Image Image, Image Mask) Inputs(TemporaryFolder folder)
    {
        const int Width = 90, Height = 70;
        var image = new Image(Width, Height, [.. Enumerable.Range(0, Width * Height * 3).Select(i => (byte)(i * 7 / 3))]);
        var mask = new Image(Width, Height, [.. Enumerable.Range(0, Width * Height * 3).Select(i => (byte)(i / 3 % Width is > 30 and < 70 ? 255 : 0))]);
        image.SavePng(folder["picture.png"]);
        mask.SavePng(folder["mask.png"]);
        return (image, mask);
    }
}
