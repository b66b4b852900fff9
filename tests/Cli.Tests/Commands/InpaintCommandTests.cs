using System.Text.Json;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Imaging;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class InpaintCommandTests
{
    private static readonly string[] Fast = ["--steps", "2"];

    [Fact]
    public void WritesTheResultAtThePicturesSizeAndLeavesTheRestAlone()
    {
        Models.Storybook();
        using var folder = new TemporaryFolder();
        var (picture, mask) = Inputs(folder);
        var outcome = P2P.Run([
            "inpaint", folder["picture.png"], folder["mask.png"], "a red house in a field", "--frame", "pad", "--feather", "3", "--json",
            "-o", folder["out"], "--trace", folder["trace.safetensors"], .. Fast]);
        using var json = JsonDocument.Parse(outcome.Succeeded());
        Assert.Equal("inpaint", json.RootElement.GetProperty("command").GetString());
        Assert.Equal("pad", json.RootElement.GetProperty("options").GetProperty("frame").GetString());
        Assert.All(json.RootElement.GetProperty("files").EnumerateArray(), file => Assert.True(File.Exists(file.GetString())));
        Assert.Equal(
            ["edit-1.png", "grid.png", "mask-overlay.png", "run.json", "source.png"],
            Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(picture.Rgb, Picture.Load(Path.Combine(folder["out"], "source.png")).Rgb);
        var edited = Picture.Load(Path.Combine(folder["out"], "edit-1.png"));
        Assert.Equal(picture.Size, edited.Size);
        Assert.NotEqual(picture.Rgb, edited.Rgb);
        Assert.All(
            Enumerable.Range(0, picture.Rgb.Length).Where(i => mask.Rgb[i] == 0), i => Assert.Equal(picture.Rgb[i], edited.Rgb[i]));
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        Assert.Equal([3, 1], trace.Tensors["latents"].Shape[..2]);
        Assert.Equal([2, 1, .. trace.Tensors["latents"].Shape[3..]], trace.Tensors["blend.mask"].Shape);
    }

    [Fact]
    public void WholePictureIsShownOnRequest()
    {
        Models.Storybook();
        using var folder = new TemporaryFolder();
        var (picture, mask) = Inputs(folder);
        P2P.Run([
            "inpaint", folder["picture.png"], folder["mask.png"], "a red house", "--frame", "fit", "--keep-outside", "false", "-o", folder["out"], .. Fast]).Succeeded();
        var edited = Picture.Load(Path.Combine(folder["out"], "edit-1.png"));
        Assert.Contains(Enumerable.Range(0, picture.Rgb.Length), i => mask.Rgb[i] == 0 && picture.Rgb[i] != edited.Rgb[i]);
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
        Models.Storybook();
        using var folder = new TemporaryFolder();
        Inputs(folder);
        new Picture(10, 10, new byte[300]).SavePng(folder["small.png"]);
        File.WriteAllText(folder["text.png"], "no picture");
        Assert.Contains(expected, P2P.Run(["inpaint", folder[image], folder[mask], "a house", "-o", folder["out"], .. options]).FailedWith(2));
        Assert.False(Directory.Exists(folder["out"]));
    }

    private static (Picture Picture, Picture Mask) Inputs(TemporaryFolder folder)
    {
        const int Width = 90, Height = 70;
        var picture = new Picture(Width, Height, [.. Enumerable.Range(0, Width * Height * 3).Select(i => (byte)(i * 7 / 3))]);
        var mask = new Picture(Width, Height, [.. Enumerable.Range(0, Width * Height * 3).Select(i => (byte)(i / 3 % Width is > 30 and < 70 ? 255 : 0))]);
        picture.SavePng(folder["picture.png"]);
        mask.SavePng(folder["mask.png"]);
        return (picture, mask);
    }
}
