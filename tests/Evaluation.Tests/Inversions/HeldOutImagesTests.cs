using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Evaluation.Inversions;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Tests.Inversions;

public sealed class HeldOutImagesTests
{
    [Fact]
    public void SourceAndTargetDifferInsideTheRegionAlone()
    {
        using var model = EmbeddedModel.Load();
        var drawn = HeldOutImages.Draw(model, 12, seed: 1).ToList();
        Assert.Equal(6, drawn.Count(sample => sample.Edit!.Pair.Kind == EditKind.ColorSwap));
        Assert.All(drawn, sample =>
        {
            Assert.Equal(model.ImageSide, sample.Image.Width);
            Assert.Equal(sample.Prompt, sample.Edit!.Pair.SourcePrompt);
            // Shadows and what a subject is mirrored in lie outside.
            Assert.InRange(ImageComparison.DifferenceOutside(sample.Image, sample.Edit.Target, sample.Edit.Region) ?? 0, 0, 3);
            Assert.True(ImageComparison.Difference(sample.Image, sample.Edit.Target) > 0);
        });
        Assert.All(drawn.Zip(HeldOutImages.Draw(model, 12, seed: 1)), pair => Assert.Equal(pair.First.Image.Rgb, pair.Second.Image.Rgb));
    }

    [Fact]
    public void EveryMethodIsAContenderAndEveryContenderHasANameOfItsOwn()
    {
        var all = InversionContender.All(new InversionSettings { Prompt = "" }, [0.1]);
        Assert.Equal(InversionMethod.Names.Order(), all.Select(contender => contender.Settings.Method.Name).Distinct().Order());
        Assert.Equal(all.Count, all.Select(contender => contender.Name).Distinct().Count());
        Assert.All(all, contender => contender.Settings.Validate());
    }
}
