using System.Text.Json;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

[Trait("Category", "Process")]
[Trait("Category", "Slow")]
public sealed class MetricsCommandTests
{
    [Fact]
    public void WithoutWeightsItComparesPixels()
    {
        using var folder = new TemporaryFolder();
        new Image(32, 16, new byte[32 * 16 * 3]).SavePng(folder["black.png"]);
        var half = new byte[32 * 16 * 3];
        Array.Fill(half, (byte)255, 0, half.Length / 2);
        new Image(32, 16, half).SavePng(folder["half.png"]);

        using var json = JsonDocument.Parse(P2P.Run("metrics", folder["black.png"], folder["half.png"], "--mask", folder["half.png"], "--json").Succeeded());
        Assert.Equal(["psnr", "mse", "ssim", "masked"], json.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(0.5, json.RootElement.GetProperty("mse").GetDouble(), 1e-9);
        Assert.Equal(10 * Math.Log10(2), json.RootElement.GetProperty("psnr").GetDouble(), 1e-9);
        // Outside the mask they are equal.
        var masked = json.RootElement.GetProperty("masked");
        Assert.Equal((JsonValueKind.Null, 0.0, 1.0), (masked.GetProperty("psnr").ValueKind, masked.GetProperty("mse").GetDouble(), masked.GetProperty("ssim").GetDouble()));
    }

    [Fact]
    [Trait("Category", "Reference")]
    public void WithWeightsItGivesEveryMeasure()
    {
        string Picture(int number) => ReferenceFolder.Require("metrics", $"picture-{number}.png");
        var lpips = $"{ReferenceFolder.Require("tiny-lpips", "squeezenet.safetensors")},{ReferenceFolder.Require("tiny-lpips", "lin-legacy.pth")}";
        using var json = JsonDocument.Parse(P2P.Run(
            "metrics", Picture(0), Picture(1), "--json", "--lpips", lpips, "--dino", ReferenceFolder.Require("tiny-dino"), "--clip", ReferenceFolder.Require("tiny-clip"),
            "--tokenizer", ReferenceFolder.Require("tiny-sd15", "tokenizer"), "--caption", "A photo of a cat sitting on a wooden bench", "--caption", "A photo of a dog sitting on a wooden bench").Succeeded());
        Assert.Equal(
            ["psnr", "mse", "ssim", "lpips", "structure", "clip_image", "clip_text", "clip_direction"], json.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(2, json.RootElement.GetProperty("clip_text").GetArrayLength());
    }

    [Fact]
    [Trait("Category", "Reference")]
    public void TheTokenizerBesideTheWeightsIsFound()
    {
        using var folder = new TemporaryFolder();
        var clip = folder.Copy(ReferenceFolder.Require("tiny-clip"), "clip");
        foreach (var file in Directory.GetFiles(ReferenceFolder.Require("tiny-sd15", "tokenizer")))
            File.Copy(file, Path.Combine(clip, Path.GetFileName(file)), overwrite: true);
        var picture = ReferenceFolder.Require("metrics", "picture-0.png");
        foreach (var path in new[] { clip, Path.Combine(clip, "model.safetensors") })
            P2P.RunIn(new Dictionary<string, string> { ["HF_HOME"] = folder["cache"] }, "metrics", picture, picture, "--json", "--clip", path, "--caption", "a cat").Succeeded();
    }

    [Theory]
    [InlineData("The images have 32x16 and 16x32 pixels.", "tall.png")]
    [InlineData("--caption: Captions are compared by a CLIP model.", "wide.png", "--caption", "a cat")]
    [InlineData("--clip: nowhere does not exist.", "wide.png", "--clip", "nowhere")]
    [InlineData("--clip: The Hugging Face cache", "wide.png", "--clip", "no-one/nothing")]
    [InlineData("--lpips: \"a\" is not valid.", "large.png", "--lpips", "a")]
    [InlineData("--lpips: The images have 32x16 pixels; LPIPS needs at least 17 in each direction.", "wide.png", "--lpips", "a,b")]
    public void WhatCannotBeMeasuredIsRefused(string expected, string second, params string[] options)
    {
        using var folder = new TemporaryFolder();
        new Image(32, 16, new byte[32 * 16 * 3]).SavePng(folder["wide.png"]);
        new Image(32, 17, new byte[32 * 17 * 3]).SavePng(folder["large.png"]);
        new Image(16, 32, new byte[32 * 16 * 3]).SavePng(folder["tall.png"]);
        var first = second == "large.png" ? second : "wide.png";
        Assert.StartsWith("p2p: " + expected, P2P.Run(["metrics", folder[first], folder[second], .. options]).FailedWith(2), StringComparison.Ordinal);
    }
}
