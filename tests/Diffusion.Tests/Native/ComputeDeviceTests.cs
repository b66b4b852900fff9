using PromptToPrompt.Diffusion.Native;
using TorchSharp;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class ComputeDeviceTests
{
    [Theory]
    [InlineData("auto", 0, null)]
    [InlineData("auto", 2, 0)]
    [InlineData("cuda", 1, 0)]
    [InlineData("cuda:1", 2, 1)]
    public void ANameStandsForAGPUOrTheCPU(string name, int gpus, int? index) =>
        Assert.Equal(index, ComputeDevice.Index(name, gpus, () => "none"));

    [Theory]
    [InlineData("cuda", 0, "Device: cuda is not available: there is no driver. Use cpu.")]
    [InlineData("cuda:1", 1, "cuda:1 is not available: this machine has 1 GPU. Use cuda:0.")]
    [InlineData("cuda:7", 2, "cuda:7 is not available: this machine has 2 GPUs. Use cuda:0 to cuda:1.")]
    public void WhatIsNotThereIsAnErrorAndNothingElseIsTaken(string name, int gpus, string message) =>
        Assert.EndsWith(message, Assert.Throws<InvalidInputException>(() => ComputeDevice.Index(name, gpus, () => "there is no driver")).Message);

    [Theory]
    [InlineData("auto", true)]
    [InlineData("cuda:12", true)]
    [InlineData("cuda:", false)]
    [InlineData("cuda:-1", false)]
    [InlineData("gpu", false)]
    public void NamesAreKnown(string name, bool known) => Assert.Equal(known, ComputeDevice.IsName(name));

    [Fact]
    public void ALibtorchForCPUsSaysSo()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "there is a GPU here");
        Assert.Equal(DeviceType.CPU, ComputeDevice.Named(ComputeDevice.Auto).type);
        Assert.Contains("supports only the CPU", Assert.Throws<InvalidInputException>(() => ComputeDevice.Named("cuda")).Message);
        Assert.NotNull(LibTorch.Describe().WhyNoCuda);
    }

    [Fact]
    public void AGPUComputesWhatTheCPUDoes()
    {
        Assert.SkipUnless(torch.cuda.is_available(), "there is no GPU here");
        using var scope = torch.NewDisposeScope();
        var (a, b) = (torch.randn(64, 64), torch.randn(64, 64));
        var device = ComputeDevice.Named("cuda");
        Assert.True((torch.matmul(a, b) - torch.matmul(a.to(device), b.to(device)).cpu()).abs().max().ToDouble() < 1e-4);
        Assert.NotEmpty(LibTorch.Describe().Gpus);
        Assert.True(CudaDriver.Memory(0)!.Value.Free > 0);
    }

    [Fact]
    public void Float32IsFloat32OnEveryDevice() => Assert.False(torch.backends.cudnn.allow_tf32 || torch.backends.cuda.matmul.allow_tf32);
}
