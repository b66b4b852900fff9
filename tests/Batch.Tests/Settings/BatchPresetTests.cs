using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Batch.Tests.Settings;

public sealed class BatchPresetTests
{
    [Fact]
    public void InstructPix2PixIsAsPublished()
    {
        var preset = Assert.Single(BatchPreset.All);
        var item = new PlanItem { Index = 0, Line = 1, Source = "a cat", Targets = ["a dog"], Content = "content" };
        var requests = Enumerable.Range(0, preset.Samples).Select(sample => SampleRequest.Draw(item, preset.Settings, 0, sample, TinyModel.Shared.Model.Tokenizer)).ToList();
        Assert.Equal(100, requests.Count);
        Assert.All(requests, request =>
        {
            var (sampling, edit) = (request.Source.Sampling, request.Edit);
            Assert.Equal((SchedulerKind.EulerAncestral, TimestepSpacing.Linspace, 100, ""), (sampling.Scheduler, sampling.TimestepSpacing, sampling.Steps, sampling.Negative));
            Assert.Equal((StepWindow.Until(0), EditRequest.MaxSelfResolution, true), (edit.CrossSteps.Default, edit.SelfResolution, edit.SelfUnconditional));
            Assert.InRange(sampling.Guidance, 7.5, 15);
            Assert.InRange(edit.SelfSteps.End, 0.1, 0.9);
        });
        Assert.Equal(100, requests.Select(request => request.Source.Sampling.Seed).Distinct().Count());
        Assert.Equal(["clip_image>=0.7", "clip_direction>=0.2", "clip_text>=0.2"], preset.Rules.Select(rule => rule.ToString()));
        Assert.Equal((4, "clip_direction"), (preset.Best.Count, preset.Best.Score));
    }

    [Fact]
    public void ItRuns()
    {
        using var small = new SmallRun("""{"input": "a cat in the snow", "edit": "make it a dog", "output": "a dog in the snow"}""");
        var settings = SettingValues.None.With("steps", "2").With("size", "64x64").Over(BatchPreset.All[0].Settings);
        Assert.Equal((2, 2, 0), SmallRun.Execute(small.Request() with { Settings = settings, Samples = 2 }) is var done ? (done.Made, done.Kept, done.Failed) : default);
    }
}
