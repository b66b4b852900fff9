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

    [Fact]
    public void Float16IsForGpusAlone() =>
        Assert.Contains("--dtype: float16 is hundreds of times slower", InProcess.Run("generate", "a house", "--device", "cpu", "--dtype", "float16", "--model", EmbeddedModel.Folder()).FailedWith(2));

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
