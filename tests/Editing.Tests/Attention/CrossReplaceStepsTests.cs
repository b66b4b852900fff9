using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Tests.Alignment;

namespace PromptToPrompt.Editing.Tests.Attention;

public sealed class CrossReplaceStepsTests
{
    public static TheoryData<int> Pairs => [.. Enumerable.Range(0, ReferenceFiles.Pairs.Length)];

    public static TheoryData<int> Batches => [.. Enumerable.Range(0, ReferenceFiles.Batches.Length)];

    [Theory, MemberData(nameof(Pairs))]
    public void TimingEqualsTheReference(int index)
    {
        var target = ReferencePrompts.Get(ReferenceFiles.Pairs[index].GetProperty("target").GetString()!);
        foreach (var time in ReferenceFiles.Pairs[index].GetProperty("time_words").EnumerateArray())
        {
            var steps = ReferenceSteps.Cross(time.GetProperty("cross_replace_steps"));
            var timing = steps.Timing(target, time.GetProperty("num_steps").GetInt32()).SelectMany(row => row);
            Assert.Equal(ReferenceFiles.Tensor<byte>(time.GetProperty("tensor").GetString()!), timing.Select(a => (byte)a));
        }
    }

    [Theory, MemberData(nameof(Batches))]
    public void TimingEqualsTheReferenceForSeveralTargets(int index)
    {
        var batch = ReferenceFiles.Batches[index];
        var targets = batch.GetProperty("prompts").EnumerateArray().Skip(1).Select(prompt => ReferencePrompts.Get(prompt.GetString()!));
        var steps = ReferenceSteps.Cross(batch.GetProperty("cross_replace_steps"));
        var timings = targets.Select(target => steps.Timing(target, batch.GetProperty("num_steps").GetInt32())).ToArray();
        var byStep = Enumerable.Range(0, timings[0].Length).SelectMany(step => timings.SelectMany(timing => timing[step]));
        Assert.Equal(ReferenceFiles.Tensor<byte>($"batch{index}.time_alpha"), byStep.Select(a => (byte)a));
    }

    [Fact]
    public void ReadsWindowsForAllWordsAndForOne()
    {
        var steps = CrossReplaceSteps.Parse(["0.7", "lion=0.4", "red car=0.1..0.6"]);
        Assert.Equal(StepWindow.Until(0.7), steps.Default);
        Assert.Equal([new WordWindow("lion", StepWindow.Until(0.4)), new WordWindow("red car", new StepWindow(0.1, 0.6))], steps.Words);
        Assert.Equal(StepWindow.Always, CrossReplaceSteps.Parse(["lion=0.4"]).Default);
        Assert.Equal(StepWindow.Until(0.8), CrossReplaceSteps.Parse([]).Default);
    }

    [Theory]
    [InlineData("0.5", "0.6")]
    [InlineData("=0.5")]
    [InlineData("lion=")]
    [InlineData("lion")]
    public void RefusesAnythingElse(params string[] parts) =>
        Assert.Throws<InvalidInputException>(() => CrossReplaceSteps.Parse(parts));

    [Fact]
    public void TheLaterOfTwoWindowsCounts()
    {
        var target = ToyPrompt.Of("a red car");
        var timing = CrossReplaceSteps.Parse(["1", "red car=0", "car=1"]).Timing(target, 4);
        Assert.All(timing, row => Assert.Equal([1, 1, 0, 1, 1], row[..5]));
    }

    [Fact]
    public void AWordIsFirstSoughtAsItIsWritten()
    {
        var target = ToyPrompt.Of("A cat and a Dog,");
        Assert.Equal([1, 0, 1, 1, 1, 1, 1, 1], CrossReplaceSteps.Parse(["A=0"]).Timing(target, 4)[0][..8]);
        Assert.Equal([1, 1, 1, 1, 1, 0, 1, 1], CrossReplaceSteps.Parse(["dog=0"]).Timing(target, 4)[0][..8]);
        Assert.Equal([1, 1, 1, 1, 1, 0, 0, 1], CrossReplaceSteps.Parse(["Dog,=0"]).Timing(target, 4)[0][..8]);
    }
}
