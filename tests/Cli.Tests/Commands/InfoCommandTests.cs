using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>What <c>p2p info</c> says of pictures of every origin.</summary>
public sealed class InfoCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void AnImageOfOursSaysAllOfIt()
    {
        InProcess.Run("edit", "a cat", "a 猫 (red:1.5)", "--negative", "rain", "--steps", "2", "--size", "64x64", "--seed", "7", "--quiet", "--model", EmbeddedModel.Folder(), "-o", folder["out"]).Succeeded();
        var json = JsonNode.Parse(InProcess.Run("info", folder["out/edit-1.png"], "--json").Succeeded())!;
        Assert.Equal(("p2p", "edit"), ((string?)json["from"], (string?)json["record"]!["command"]));
        var parameters = json["parameters"]!;
        Assert.Equal(("a 猫 (red:1.5)", "rain", "7", "DDIM"), ((string?)parameters["prompt"], (string?)parameters["negative"], (string?)parameters["settings"]!["Seed"], (string?)parameters["settings"]!["Sampler"]));
        var text = InProcess.Run("info", folder["out/edit-1.png"]).Succeeded();
        Assert.All(new[] { "猫", "rain", "storybook", "p2p run", "edited from" }, part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.Single(text.Split('\n'), line => line.Contains("version", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("edited to", InProcess.Run("info", folder["out"]).Succeeded(), StringComparison.Ordinal);
        Assert.Contains("edited to", InProcess.Run("info", folder["out/grid.png"]).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public void AnImageOfAnotherProgramIsReadAsFarAsItCanBe()
    {
        var read = Info(new PngText("parameters", "a cat, <lora:style:0.7>\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8, Model: other"));
        Assert.Equal(("a1111", "Euler a"), ((string?)read["from"], (string?)read["parameters"]!["settings"]!["Sampler"]));
        Assert.Contains("Steps: 20", (string?)read["texts"]![0]!["text"], StringComparison.Ordinal);
        Assert.Equal("other", (string?)Info(new PngText("Software", "a camera"))["from"]);
    }

    [Fact]
    public void AGraphOfComfyUISaysItsPrompts()
    {
        var read = Info(
            new PngText("prompt", """
                {"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
                  "model": ["4", 0], "positive": ["9", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
                 "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "model.safetensors"}},
                 "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}, "is_changed": [NaN]},
                 "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle", "clip": ["4", 1]}},
                 "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
                 "8": {"class_type": "PrimitiveString", "inputs": {"value": "rain"}},
                 "9": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["7", 0], "strength": 1.0}}}
                """),
            new PngText("workflow", "{}"));
        Assert.Equal("comfyui", (string?)read["from"]);
        Assert.Equal(["a castle"], read["comfyui"]!["prompts"]!.AsArray().Select(text => (string?)text));
        Assert.Equal(["rain"], read["comfyui"]!["negatives"]!.AsArray().Select(text => (string?)text));
        Assert.Equal(("20", "model.safetensors"), ((string?)read["comfyui"]!["settings"]!["steps"], (string?)read["comfyui"]!["settings"]!["ckpt_name"]));
        Assert.Contains("ComfyUI", InProcess.Run("info", folder["picture.png"]).Succeeded(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prompt", "a cat, in plain words")]
    [InlineData("prompt", "{\"1\": 3, \"2\": {\"class_type\": \"KSampler\", \"inputs\": {\"positive\": [\"2\", 0], \"negative\": [], \"steps\": [\"1\", 0]}}}")]
    [InlineData("prompt", "[{}]")]
    [InlineData("p2p", "{}")]
    [InlineData("p2p", "{\"command\": [3, null], \"targets\": 5, \"inputs\": [1, {}], \"source\": []}")]
    [InlineData("p2p", "damaged")]
    [InlineData("parameters", "")]
    [InlineData("Comment", "\u001b[2Jgone [red]markup[/]")]
    public void WhateverAnImageSaysIsShown(string keyword, string text)
    {
        Info(new PngText(keyword, text));
        Assert.DoesNotContain('\u001b', InProcess.Run("info", folder["picture.png"]).Succeeded());
    }

    [Fact]
    public void AnImageThatSaysNothingAndAFileThatIsNoneAreCalledSo()
    {
        new Image(8, 6, new byte[144]).SavePng(folder["plain.png"]);
        var plain = InProcess.Run("info", folder["plain.png"]).Succeeded();
        Assert.Contains("8×6", plain, StringComparison.Ordinal);
        Assert.Contains("does not say", plain, StringComparison.Ordinal);
        File.WriteAllText(folder["notes.txt"], "a cat");
        Assert.Contains("notes.txt", InProcess.Run("info", folder["notes.txt"]).FailedWith(2), StringComparison.Ordinal);
        Assert.Contains("none.png", InProcess.Run("info", folder["none.png"]).FailedWith(2), StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    private JsonNode Info(params PngText[] texts)
    {
        new Image(8, 8, new byte[192]).SavePng(folder["picture.png"], texts);
        return JsonNode.Parse(InProcess.Run("info", folder["picture.png"], "--json").Succeeded())!;
    }
}
