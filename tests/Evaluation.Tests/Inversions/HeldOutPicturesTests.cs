using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Evaluation.Inversions;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Tests.Inversions;

public sealed class HeldOutPicturesTests
{
    [Fact]
    public void SourceAndTargetDifferInsideTheRegionAlone()
    {
        using var model = EmbeddedModel.Load();
        var drawn = HeldOutPictures.Draw(model, 12, seed: 1).ToList();
        Assert.Equal(6, drawn.Count(sample => sample.Edit!.Pair.Kind == EditKind.ColourSwap));
        Assert.All(drawn, sample =>
        {
            Assert.Equal(model.PictureSide, sample.Picture.Width);
            Assert.Equal(sample.Prompt, sample.Edit!.Pair.SourcePrompt);
            // Shadows and what a subject is mirrored in lie outside.
            Assert.InRange(PictureComparison.DifferenceOutside(sample.Picture, sample.Edit.Target, sample.Edit.Region) ?? 0, 0, 3);
            Assert.True(PictureComparison.Difference(sample.Picture, sample.Edit.Target) > 0);
        });
        Assert.All(drawn.Zip(HeldOutPictures.Draw(model, 12, seed: 1)), pair => Assert.Equal(pair.First.Picture.Rgb, pair.Second.Picture.Rgb));
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
