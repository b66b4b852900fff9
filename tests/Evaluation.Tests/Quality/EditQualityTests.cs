using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Evaluation.Quality;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Tests.Quality;

[Trait("Category", "Slow")]
public sealed class EditQualityTests
{
    [Fact]
    public void APairInOneBatchHasTheImagesOfAnEditSession()
    {
        using var model = EmbeddedModel.Load();
        var options = new EditQualityOptions { Steps = 3 };
        var pair = EditPairs.Make(1, seed: 3)[0];
        using var run = new PairRun(model, pair, options, seed: 7, CancellationToken.None);
        using var session = new EditSession(
            model, new GenerationRequest { Prompt = pair.SourcePrompt, Sampling = new() { Steps = 3, Guidance = options.Guidance, Seed = 7 } }, TorchSharp.torch.ScalarType.Float32, long.MaxValue);
        var request = new EditRequest { Prompts = [pair.TargetPrompt] };
        using var source = session.RunSource();
        using var edit = session.Edit(request);
        using var free = session.Edit(request with { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) });
        foreach (var (batched, alone) in run.Images.Zip([source.Images[0], edit.Images[0], free.Images[0]]))
            Assert.All(batched.Rgb.Zip(alone.Rgb), bytes => Assert.InRange(Math.Abs(bytes.First - bytes.Second), 0, 1));
    }
}
