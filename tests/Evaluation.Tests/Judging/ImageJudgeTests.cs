using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Tests.Judging;

[Trait("Category", "Slow")]
public sealed class ImageJudgeTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(128)]
    public void TheShippedJudgeKnowsDrawingsOfAnySize(int size)
    {
        using var judge = Shipped();
        Assert.All(JudgeTraining.Validate(judge, size, count: 128), accuracy => Assert.InRange(accuracy.Accuracy, 0.85, 1));
    }

    [Fact]
    public void ProbabilitiesOfASlotAddUpToOne()
    {
        using var judge = Shipped();
        using var painter = new ScenePainter();
        var scene = new Scene { Subject = Subject.House, Color = Color.Red, Place = Place.Field, LayoutSeed = 5 };
        var judgement = judge.Judge(new Image(96, 96, painter.Paint(scene, 96).Rgb));
        foreach (var slot in Slots.All)
            Assert.Equal(1, Enumerable.Range(0, Slots.Count(slot)).Sum(value => judgement.Probability(slot, value)), 1e-4);
        Assert.True(judgement.Agrees(scene, Slot.Subject));
        Assert.True(judgement.Agrees(scene, Slot.Color));
        Assert.Null(judgement.Agrees(scene with { Color = null }, Slot.Color));
    }

    [Fact]
    public void TrainingMakesAJudgeThatCanBeLoaded()
    {
        var path = Path.Combine(Path.GetTempPath(), $"p2p-judge-{Guid.NewGuid():N}.safetensors");
        try
        {
            using var training = new JudgeTraining();
            Assert.Equal([32, 64], training.Train(64, TestContext.Current.CancellationToken).Select(progress => progress.Images));
            training.Save(path);
            using var judge = ImageJudge.Load(path);
            Assert.Equal(Slots.All, JudgeTraining.Validate(judge, 64, count: 64).Select(accuracy => accuracy.Slot));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ImageJudge Shipped()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "models", "judge", ImageJudge.FileName);
            if (File.Exists(path))
                return ImageJudge.Load(path);
        }

        throw new InvalidOperationException("models/judge is part of the repository.");
    }
}
