using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Evaluation.Quality;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Tests.Quality;

public sealed class EditQualityTests
{
    [Fact]
    public void A_pair_in_one_batch_has_the_pictures_of_an_edit_session()
    {
        using var model = EmbeddedModel.Load();
        var options = new EditQualityOptions { Steps = 3 };
        var pair = EditPairs.Make(1, seed: 3)[0];
        using var run = new PairRun(model, pair, options, seed: 7, CancellationToken.None);
        using var session = new EditSession(model, new EditRequest { Source = pair.SourcePrompt, Steps = 3, Guidance = options.Guidance, Seed = 7 });
        using var source = session.RunSource();
        using var edit = session.Edit(request => request with { Targets = [pair.TargetPrompt] });
        using var free = session.Edit(request => request with
        {
            Targets = [pair.TargetPrompt],
            Edit = new EditSpecification { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) },
        });
        foreach (var (batched, alone) in run.Pictures.Zip([source.Pictures[0], edit.Pictures[0], free.Pictures[0]]))
            Assert.All(batched.Rgb.Zip(alone.Rgb), bytes => Assert.InRange(Math.Abs(bytes.First - bytes.Second), 0, 1));
    }
}
