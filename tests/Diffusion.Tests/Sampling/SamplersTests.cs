using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class SamplersTests
{
    [Fact]
    public void NamesAndKindsMatchBothWays()
    {
        Assert.Equal(["ddim", "pndm", "dpm++", "euler", "euler-a", "lcm"], Samplers.All);
        Assert.All(Enum.GetValues<SamplerKind>(), kind => Assert.Equal(kind, Samplers.Parse(kind.Name())));
        Assert.Equal(SamplerKind.DpmSolverPlusPlus, Samplers.Parse("DPM++"));
    }

    [Fact]
    public void UnknownNamesAreToldWhatThereIs()
    {
        var error = Assert.Throws<InvalidInputException>(() => Samplers.Parse("lms"));
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
        Assert.Equal(expected, Samplers.FromClassName(className));
}
