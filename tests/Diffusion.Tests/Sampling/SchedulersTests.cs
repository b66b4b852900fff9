using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class SchedulersTests
{
    [Fact]
    public void NamesAndKindsMatchBothWays()
    {
        Assert.Equal(["ddim", "pndm", "dpm++", "euler", "euler-a", "lcm"], Schedulers.All);
        Assert.All(Enum.GetValues<SchedulerKind>(), kind => Assert.Equal(kind, Schedulers.Parse(kind.Name())));
        Assert.Equal(SchedulerKind.DpmSolverPlusPlus, Schedulers.Parse("DPM++"));
    }

    [Fact]
    public void UnknownNamesAreToldWhatThereIs()
    {
        var error = Assert.Throws<InvalidInputException>(() => Schedulers.Parse("lms"));
        Assert.Contains("\"lms\"", error.Message);
        Assert.Contains("ddim, pndm, dpm++, euler, euler-a or lcm", error.Message);
    }

    [Theory]
    [InlineData("DDIMScheduler", SchedulerKind.Ddim)]
    [InlineData("PNDMScheduler", SchedulerKind.Pndm)]
    [InlineData("DPMSolverMultistepScheduler", SchedulerKind.DpmSolverPlusPlus)]
    [InlineData("EulerDiscreteScheduler", SchedulerKind.Euler)]
    [InlineData("EulerAncestralDiscreteScheduler", SchedulerKind.EulerAncestral)]
    [InlineData("LCMScheduler", SchedulerKind.Lcm)]
    [InlineData("LMSDiscreteScheduler", null)]
    [InlineData(null, null)]
    public void ClassNamesOfConfigsAreKnown(string? className, SchedulerKind? expected) =>
        Assert.Equal(expected, Schedulers.FromClassName(className));
}
