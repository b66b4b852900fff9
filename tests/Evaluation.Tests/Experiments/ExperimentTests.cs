using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Evaluation.Experiments;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;

namespace PromptToPrompt.Evaluation.Tests.Experiments;

public sealed class ExperimentTests
{
    [Fact]
    public void EqualRequestsHaveEqualOutcomesAndOtherNoiseKeepsLess()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder());
        using var judge = ImageJudge.Load(Path.Combine(Repository.Folder("models", "judge"), ImageJudge.FileName));
        Variation[] variations =
        [
            new("one", edit => new EditRequest { Prompts = [edit.TargetPrompt] }),
            new("again", edit => new EditRequest { Prompts = [edit.TargetPrompt] }),
            new("other noise", edit => new EditRequest { Prompts = [edit.TargetPrompt], EditSeed = 77 }),
        ];
        var experiment = new Experiment(model, judge, variations, new() { Steps = 10, Guidance = 3, Seed = 1 });
        var (edit, outcomes) = Assert.Single(experiment.Run(1, TestContext.Current.CancellationToken));
        Assert.Equal(["one", "again", "other noise"], outcomes.Select(outcome => outcome.Variation));
        Assert.Equal(outcomes[0].Image.Rgb, outcomes[1].Image.Rgb);
        Assert.Equal(DrawnEditKind.ChangeObject, edit.Kind);
        Assert.True(outcomes[0].Structure > outcomes[2].Structure, $"{outcomes[0].Structure} {outcomes[2].Structure}");
    }

    [Fact]
    public void TheBackgroundCountsOnlyPixelsOutsideTheRegion()
    {
        var image = new Image(2, 1, [10, 10, 10, 50, 50, 50]);
        var edited = new Image(2, 1, [10, 13, 10, 99, 99, 99]);
        Assert.Equal(10 * Math.Log10(255.0 * 255 * 3 / 9), ImageComparison.PsnrOutside(image, edited, [false, true])!.Value, 9);
        Assert.Equal(double.PositiveInfinity, ImageComparison.PsnrOutside(image, image, [false, true]));
        Assert.Null(ImageComparison.PsnrOutside(image, edited, [true, true]));
    }

    [Fact]
    public void AMeanHasItsStandardError()
    {
        var mean = Mean.Of([1, null, 2, 3, 6])!.Value;
        Assert.Equal((3.0, 4), (mean.Value, mean.Count));
        // The standard deviation is √(14/3).
        Assert.Equal(Math.Sqrt(14.0 / 3 / 4), mean.Error, 12);
        Assert.Null(Mean.Of([null]));
        Assert.Equal(0, Mean.Of([5])!.Value.Error);
    }

    [Fact]
    public void OutcomesAreSummarizedByVariation()
    {
        var image = new Image(1, 1, [0, 0, 0]);
        var rows = OutcomeSummary.Of(
        [
            new("a", image, 20, 0.5, true, true, 10), new("b", image, null, 0.1, null, true, 5), new("a", image, null, 0.7, false, true, 20),
        ]);
        Assert.Equal(["a", "b"], rows.Select(row => row.Variation));
        Assert.Equal((20.0, 0.6, 0.5, 15.0), (rows[0].Background!.Value.Value, rows[0].Structure!.Value.Value, rows[0].Shown!.Value.Value, rows[0].Rows!.Value.Value));
        Assert.Equal((null, null), (rows[1].Background, rows[1].Shown));
    }
}
