using PromptToPrompt.Evaluation.Experiments;
using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Evaluation.Tests.Experiments;

public sealed class DrawnEditTests
{
    private const int Side = 64;

    [Fact]
    public void EqualSeedsGiveEqualEdits()
    {
        var (one, again, other) = (DrawnEdit.Make(Side, 6, seed: 1).ToList(), DrawnEdit.Make(Side, 6, seed: 1).ToList(), DrawnEdit.Make(Side, 6, seed: 2).ToList());
        Assert.Equal(one.Select(edit => (edit.SourcePrompt, edit.TargetPrompt, edit.Number)), again.Select(edit => (edit.SourcePrompt, edit.TargetPrompt, edit.Number)));
        Assert.All(one.Zip(again), pair => Assert.Equal(pair.First.Drawing.Rgb, pair.Second.Drawing.Rgb));
        Assert.NotEqual(one.Select(edit => edit.SourcePrompt), other.Select(edit => edit.SourcePrompt));
        Assert.Equal(Enum.GetValues<DrawnEditKind>(), one.Select(edit => edit.Kind));
    }

    // The region is exact: drawn anew with the target, nothing else would change, except shadows at its border.
    [Fact]
    public void TheTargetsDrawingDiffersOnlyInTheRegion()
    {
        using var images = new Images(seed: 1, Side);
        foreach (var edit in DrawnEdit.Make(Side, 30, seed: 1).Where(edit => edit.Kind != DrawnEditKind.ChangeStyle))
        {
            var target = images.Paint(edit.Target);
            var changed = Enumerable.Range(0, Side * Side).Where(pixel => Enumerable.Range(pixel * 3, 3).Any(value => Math.Abs(edit.Drawing.Rgb[value] - target.Rgb[value]) > 16)).ToList();
            Assert.NotEmpty(changed);
            Assert.True(changed.Count(pixel => edit.Region[pixel]) > 0.8 * changed.Count, $"{edit.SourcePrompt} → {edit.TargetPrompt}: {changed.Count(pixel => !edit.Region[pixel])} of {changed.Count}");
        }
    }
}
