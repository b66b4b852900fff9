using PromptToPrompt.Evaluation.Judging;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Tests.Judging;

public sealed class JudgeTrainingTests : IDisposable
{
    private const long Images = 3 * JudgeTraining.Batch;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void AnInterruptedTrainingEndsLikeAnUninterruptedOne(ScalarType type)
    {
        using (var whole = new JudgeTraining(new(CPU, type)))
        {
            Assert.Equal(Images, whole.Train(Images, TestContext.Current.CancellationToken).Last().Images);
            whole.SaveState(folder["whole"]);
        }

        using (var first = new JudgeTraining(new(CPU, type), drawingThreads: 3))
        using (var stop = new CancellationTokenSource())
        {
            foreach (var progress in first.Train(Images, stop.Token))
                stop.Cancel();
            first.SaveState(folder["parts"]);
        }

        using var second = new JudgeTraining(new(CPU, type));
        second.Resume(folder["parts"]);
        Assert.Equal(2 * JudgeTraining.Batch, second.Train(Images, TestContext.Current.CancellationToken).ToList()[0].Images);
        second.SaveState(folder["parts"]);
        Assert.Equal(File.ReadAllBytes(folder["whole"]), File.ReadAllBytes(folder["parts"]));
    }

    [Fact]
    public void TrainsOnAGpu()
    {
        Assert.SkipUnless(cuda.is_available(), "there is no GPU here");
        using var training = new JudgeTraining(PromptToPrompt.Storybook.Training.TrainingDevice.On(CUDA));
        Assert.True(double.IsFinite(training.Train(Images, TestContext.Current.CancellationToken).Last().Loss));
    }
}
