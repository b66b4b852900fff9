namespace PromptToPrompt.Studio.Tests;

/// <summary>The time, and as much later as a test wants.</summary>
internal sealed class TestClock : TimeProvider
{
    public TimeSpan Later { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Later;
}
