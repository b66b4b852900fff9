using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Editing.Tests.TextualInversion;

public sealed class LowMemoryTests
{
    [Fact]
    public void LearningNeedsSeveralPartsInMemory()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder(), options: new ModelLoadOptions { OnePartAtATime = true });
        Assert.Contains("recompute activations", Assert.Throws<InvalidInputException>(
            () => new TextualInversionTraining(model, new TextualInversionSettings { Word = "<my-cat>", Initial = "cat" }, [])).Message);
    }
}
