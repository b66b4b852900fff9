using PromptToPrompt.Studio.Pages;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class PaceTests
{
    private readonly StepClock clock = new();

    [Fact]
    public void TheTimeLeftIsThatOfTheStepsLeft()
    {
        var pace = new Pace(clock);
        Assert.Null(pace.Left("drawing", 0, 30));
        Assert.Null(pace.Left("drawing", 1, 30));
        clock.Seconds = 8;
        Assert.Equal(TimeSpan.FromSeconds(50), pace.Left("drawing", 5, 30));
    }

    [Fact]
    public void AnotherStageIsMeasuredByItself()
    {
        var pace = new Pace(clock);
        pace.Left("inverting", 1, 50);
        clock.Seconds = 10;
        Assert.NotNull(pace.Left("inverting", 50, 50));
        Assert.Null(pace.Left("optimizing", 1, 50));
        clock.Seconds = 22;
        Assert.Equal(TimeSpan.FromSeconds(184), pace.Left("optimizing", 4, 50));
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData(7.2, "about 8 s left")]
    [InlineData(91.0, "about 2 min left")]
    [InlineData(7300.0, "about 3 h left")]
    public void TheTimeLeftIsSaidInOneUnit(double? seconds, string text) => Assert.Equal(text, Pace.Text(seconds));

    private sealed class StepClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
