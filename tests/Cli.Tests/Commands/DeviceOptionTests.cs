using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using TorchSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class DeviceOptionTests
{
    [Theory]
    [InlineData("cuda")]
    [InlineData("cuda:3")]
    public void AGpuThatIsNotThereIsAnErrorThatSaysWhy(string device)
    {
        Assert.SkipWhen(torch.cuda.is_available(), "there is a GPU here");
        var error = InProcess.Run("generate", "a house", "--device", device, "--model", EmbeddedModel.Folder()).FailedWith(2);
        Assert.Contains($"--device: {device} is not available: this libtorch supports only the CPU", error);
    }

    // The embedded model's weights are stored in float16, so that nothing is rounded.
    [Fact]
    public void OnACpuFloat16IsTheTypeOfTheWeightsAlone()
    {
        using var output = new TemporaryFolder();
        var (half, single) = (Generate("float16"), Generate("float32"));
        Assert.Equal(("float16", "float32"), (half.Record.GetProperty("dtype").GetString(), half.Record.GetProperty("arithmetic").GetString()));
        Assert.Equal("float32", single.Record.GetProperty("dtype").GetString());
        Assert.False(single.Record.TryGetProperty("arithmetic", out _));
        Assert.NotEqual(half.Record.GetProperty("run").GetString(), single.Record.GetProperty("run").GetString());
        Assert.InRange(half.Image.Rgb.Zip(single.Image.Rgb).Max(pair => Math.Abs(pair.First - pair.Second)), 0, 1);

        (JsonElement Record, Image Image) Generate(string dtype)
        {
            InProcess.Run("generate", "a house", "--steps", "3", "--device", "cpu", "--dtype", dtype, "--model", EmbeddedModel.Folder(), "-o", output[dtype]).Succeeded();
            using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(output[dtype], "run.json")));
            return (record.RootElement.Clone(), Image.Load(Directory.GetFiles(output[dtype], "*.png").Order(StringComparer.Ordinal).First()));
        }
    }

    [Fact]
    public void WhatTheProgramChoseIsSaidOnStandardError()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "there is a GPU here");
        using var output = new TemporaryFolder();
        string[] run = ["generate", "a house", "--steps", "1", "--size", "64x64", "--model", EmbeddedModel.Folder(), "-o", output.Path];
        Assert.Equal("device: cpu\n", InProcess.Run(run).Error);
        Assert.Equal("", InProcess.Run([.. run, "--quiet"]).Error);
        Assert.Equal("", InProcess.Run([.. run, "--device", "cpu"]).Error);
    }
}
