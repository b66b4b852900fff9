using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Diffusion.Tests;

public class InvalidInputExceptionTests
{
    [Fact]
    public void TheMessageNamesTheSettingTheProblemAndTheAdvice()
    {
        var error = Assert.Throws<InvalidInputException>(() => RequireRange(5000, 1, 1000, "Steps"));

        Assert.Equal("Steps: 5000 is out of range. Use a number from 1 to 1000.", error.Message);
        Assert.Equal(("Steps", "5000 is out of range.", "Use a number from 1 to 1000."), (error.Setting, error.Problem, error.Advice));
    }

    [Fact]
    public void TheSettingCanBeGivenAnotherName()
    {
        var error = new InvalidInputException("InnerSteps", "-1 is out of range.", "Use 0 or more.");

        Assert.Equal("--inner-steps: -1 is out of range. Use 0 or more.", error.Describe(_ => "--inner-steps"));
        Assert.Equal("-1 is out of range. Use 0 or more.", error.Text);
    }

    [Fact]
    public void AnErrorWithoutASettingKeepsItsText()
    {
        var error = new InvalidInputException("x.png is not a picture.");

        Assert.Null(error.Setting);
        Assert.Equal("x.png is not a picture.", error.Describe(_ => "--image"));
    }

    [Fact]
    public void AdviceFollowsAFullStop() => Assert.Equal("Steps: too many. Use fewer.", new InvalidInputException("Steps", "too many", "Use fewer.").Message);

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-0.5)]
    [InlineData(1.5)]
    public void NumbersOutsideTheBoundsAreRefused(double value) => Assert.Equal("Share", Assert.Throws<InvalidInputException>(() => RequireRange(value, 0, 1, "Share")).Setting);

    [Fact]
    public void BoundsAreIncluded()
    {
        RequireRange(0.0, 0, 1, "Share");
        RequireRange(1.0, 0, 1, "Share");
    }

    [Fact]
    public void NamingNamesTheSettingOnce()
    {
        var inner = Assert.Throws<InvalidInputException>(() => Naming<int>("Mask", () => throw new InvalidInputException("m.png is empty.")));
        var named = Assert.Throws<InvalidInputException>(() => Naming<int>("Image", () => throw inner));

        Assert.Equal("Mask: m.png is empty.", inner.Message);
        Assert.Same(inner, named);
    }
}
