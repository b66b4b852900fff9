using CsCheck;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Editing.Tests.Attention;

public sealed class StepWindowTests
{
    [Theory]
    [InlineData("0.8", 0, 0.8)]
    [InlineData("0.1..0.6", 0.1, 0.6)]
    [InlineData(" 0 .. 1 ", 0, 1)]
    [InlineData("0.5..0.5", 0.5, 0.5)]
    public void ReadsFractionsAndRanges(string text, double start, double end) =>
        Assert.Equal(new StepWindow(start, end), StepWindow.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("1.2")]
    [InlineData("-0.1")]
    [InlineData("0.6..0.1")]
    [InlineData("..0.5")]
    [InlineData("0.5..")]
    [InlineData("0,5")]
    [InlineData("NaN")]
    [InlineData("half")]
    public void RefusesAnythingElse(string text)
    {
        var exception = Assert.Throws<InvalidInputException>(() => StepWindow.Parse(text));
        Assert.Contains($"\"{text}\"", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void IsWrittenAsItIsRead() => Gen.Select(Gen.Double[0, 1], Gen.Double[0, 1]).Sample((a, b) =>
    {
        var window = new StepWindow(Math.Min(a, b), Math.Max(a, b));
        Assert.Equal(window, StepWindow.Parse(window.ToString()));
    });

    [Fact]
    public void BoundsAreRoundedDownInFloatingPoint()
    {
        Assert.True(StepWindow.Until(0.29).Contains(27, 100));
        Assert.False(StepWindow.Until(0.29).Contains(28, 100));
        Assert.False(new StepWindow(0.5, 1).Contains(4, 10));
        Assert.True(new StepWindow(0.5, 1).Contains(5, 10));
        Assert.False(new StepWindow(0.5, 1).Contains(10, 10));
    }

    [Fact]
    public void AWindowThatEndsBeforeItStartsIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new StepWindow(0.5, 0.4));
}
