using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

public sealed class OverflowWatchTests
{
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AStepThatOverflowedIsToldWhenTheNextIsAdded(float wrong)
    {
        using var scope = NewDisposeScope();
        using var watch = new OverflowWatch();
        watch.Add(0, ones(4));
        watch.Add(1, tensor(new[] { 1, wrong }));
        Assert.Contains("infinite at step 2", Assert.Throws<InvalidInputException>(() => watch.Add(2, ones(4))).Message);
    }

    [Fact]
    public void TheLastStepIsToldWhenAsked()
    {
        using var scope = NewDisposeScope();
        using var watch = new OverflowWatch();
        watch.Require();
        watch.Add(0, tensor(new[] { float.NaN }));
        Assert.Contains("infinite at step 1", Assert.Throws<InvalidInputException>(watch.Require).Message);
    }
}
