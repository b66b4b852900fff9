using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class SamplerNamesTests
{
    [Fact]
    public void NamesAndKindsMatchBothWays()
    {
        Assert.Equal(["ddim", "pndm", "dpm++", "euler", "euler-a", "lcm"], SamplerNames.All);
        Assert.All(Enum.GetValues<SamplerKind>(), kind => Assert.Equal(kind, SamplerNames.Parse(kind.Name())));
        Assert.Equal(SamplerKind.DpmSolverPlusPlus, SamplerNames.Parse("DPM++"));
    }

    [Fact]
    public void UnknownNamesAreToldWhatThereIs()
    {
        var error = Assert.Throws<InvalidInputException>(() => SamplerNames.Parse("lms"));
        Assert.Contains("\"lms\"", error.Message);
        Assert.Contains("ddim, pndm, dpm++, euler, euler-a or lcm", error.Message);
    }

    [Theory]
    [InlineData("DDIMScheduler", SamplerKind.Ddim)]
    [InlineData("PNDMScheduler", SamplerKind.Pndm)]
    [InlineData("DPMSolverMultistepScheduler", SamplerKind.DpmSolverPlusPlus)]
    [InlineData("EulerDiscreteScheduler", SamplerKind.Euler)]
    [InlineData("EulerAncestralDiscreteScheduler", SamplerKind.EulerAncestral)]
    [InlineData("LCMScheduler", SamplerKind.Lcm)]
    [InlineData("LMSDiscreteScheduler", null)]
    [InlineData(null, null)]
    public void ClassNamesOfConfigsAreKnown(string? className, SamplerKind? expected) =>
        Assert.Equal(expected, SamplerNames.FromClassName(className));
}
