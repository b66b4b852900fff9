using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>Methods through the library's entry point.</summary>
public sealed class MethodPipelineTests
{
    [Fact]
    public void MethodsAndPromptToPromptShareOneImage()
    {
        using var pipeline = PromptToPromptPipeline.Load(TinyModel.Shared.Folder);
        using var image = pipeline.Generate(MethodFixture.Prompt, new() { Steps = 4, Guidance = 4 });
        using var first = image.Edit(MethodFixture.Target, new EditRequest { Method = new MasaCtrl { ShareLayer = 0 } });
        using var plain = image.Edit(MethodFixture.Target);
        using var again = image.Edit(MethodFixture.Target, new EditRequest { Method = new MasaCtrl { ShareLayer = 0 } });
        using var further = first.Edit(MethodFixture.Prompt, new EditRequest { Method = new PlugAndPlay() });

        using var other = pipeline.Generate(MethodFixture.Prompt, new() { Steps = 4, Guidance = 4 });
        using var alone = other.Edit(MethodFixture.Target);
        AssertClose(alone.Result!.Latents, plain.Result!.Latents);
        AssertClose(first.Result!.Latents, again.Result!.Latents);
        AssertDiffers(plain.Result!.Latents, first.Result!.Latents);
        Assert.Equal(MethodFixture.Prompt, further.Prompt);
    }
}
