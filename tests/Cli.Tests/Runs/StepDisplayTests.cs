using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Editing.Pipelines;
using Spectre.Console;

namespace PromptToPrompt.Cli.Tests.Runs;

/// <summary>The progress of a run.</summary>
public sealed class StepDisplayTests
{
    [Fact]
    public void TheRowsOfAllStepsAreCounted()
    {
        var clock = new Clock();
        var task = new ProgressTask(1, "starting", maxValue: 1);
        var steps = new RunSteps(task, clock);
        clock.Seconds = 1;
        steps.Report(new EditProgress(1, 3, Rows: 1));
        steps.Report(new EditProgress(2, 3, Rows: 6));
        clock.Seconds = 2;
        steps.Report(new EditProgress(3, 3, Rows: 2));
        Assert.Equal(("step 3/3, 4.5 rows/s", 3.0), (task.Description, task.Value));
    }

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
