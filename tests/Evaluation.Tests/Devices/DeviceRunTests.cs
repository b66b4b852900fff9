using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Devices;
using TorchSharp;

namespace PromptToPrompt.Evaluation.Tests.Devices;

[Trait("Category", "Slow")]
public sealed class DeviceRunTests
{
    [Fact]
    public void TheSameRunAgreesAndRoundedNumbersNearlyDo()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder());
        var reference = DeviceRun.Of(model, 128, 2, default);
        Assert.Null(reference.Problem);
        Assert.Null(reference.HeldMemory);
        Assert.Equal(0, DeviceRun.Of(model, 128, 2, default).ErrorAgainst(reference));
        using var rounded = StableDiffusionModel.Load(EmbeddedModel.Folder(), dtype: torch.ScalarType.BFloat16);
        var run = DeviceRun.Of(rounded, 128, 2, default);
        Assert.InRange(run.ErrorAgainst(reference)!.Value, 1e-5, 0.2);
        Assert.InRange(run.ImageErrorAgainst(reference)!.Value, 1e-3, 20);
    }

    [Fact]
    public void ARunThatDoesNotEndSaysWhyAndIsComparedWithNothing()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder());
        var run = DeviceRun.Of(model, side: 99, steps: 1, default);
        Assert.Contains("99x99", run.Problem);
        Assert.Null(run.ErrorAgainst(run));
        Assert.Null(run.ImageErrorAgainst(run));
    }

    [Fact]
    public void ErrorsAreRelativeToTheReference()
    {
        var image = new Image(1, 1, [10, 20, 30]);
        var reference = new DeviceRun([1, -4], [image], 1, null);
        var other = new DeviceRun([1.5f, -4], [image with { Rgb = [13, 20, 30] }], 1, null);
        Assert.Equal(0.125, other.ErrorAgainst(reference));
        Assert.Equal(1, other.ImageErrorAgainst(reference));
    }
}
