using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;

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

    [Theory]
    [InlineData(0.7)]
    [InlineData(0.2)]
    public void AnEditByInfEditIsEditedFurther(double self)
    {
        using var pipeline = PromptToPromptPipeline.Load(TinyModel.Shared.Folder);
        var picture = new Image(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(i % 251))]);
        var edit = new EditRequest { Method = new InfEdit { SelfPart = self } };
        using var image = pipeline.Invert(picture, MethodFixture.Prompt, new() { Steps = 4, Guidance = 2 }, new VirtualInversion());
        using var first = image.Edit(MethodFixture.Target, edit);
        using var further = first.Edit("a green castle in a field", edit);
        AssertDiffers(first.Result!.Latents, further.Result!.Latents);
        Assert.Equal(picture.Size, further.Image.Size);
    }

    /// <summary>Whatever a method needs of the source, and whatever is observed, an inverted image is edited and its edit is edited further.</summary>
    [Theory]
    [MemberData(nameof(MethodsAndObservations))]
    public void EveryMethodEditsAnInvertedImageUnderEveryObservation(string method, bool attention, bool selfAttention)
    {
        var edits = new Dictionary<string, (EditMethod? Method, InversionMethod Inversion)>
        {
            ["p2p"] = (null, new DirectInversion()),
            ["masactrl"] = (new MasaCtrl { ShareLayer = 0 }, new DirectInversion()),
            ["pnp"] = (new PlugAndPlay(), new DirectInversion()),
            ["uni-edit"] = (new UniEdit(), new UniInversion()),
            ["turbo-edit"] = (new TurboEdit(), new EditFriendlyInversion { NoiseShift = 0.2 }),
            ["ledits++"] = (new LeditsPlusPlus(), new EditFriendlyInversion()),
            ["infedit"] = (new InfEdit(), new VirtualInversion()),
        };
        var (editing, inversion) = edits[method];
        using var pipeline = PromptToPromptPipeline.Load(TinyModel.Shared.Folder);
        var picture = new Image(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(i % 251))]);
        using var image = pipeline.Invert(picture, MethodFixture.Prompt, new() { Steps = 4, Guidance = 2 }, inversion);
        var observation = new Observation { Attention = attention, SelfAttention = selfAttention };
        using var edited = image.Edit(MethodFixture.Target, editing is null ? null : new EditRequest { Method = editing }, observation);
        Assert.Equal(picture.Size, edited.Image.Size);
        Assert.Equal(selfAttention, edited.Result!.SelfAttention is not null);
    }

    public static TheoryData<string, bool, bool> MethodsAndObservations()
    {
        var data = new TheoryData<string, bool, bool>();
        foreach (var method in new[] { "p2p", "masactrl", "pnp", "uni-edit", "turbo-edit", "ledits++", "infedit" })
        {
            data.Add(method, false, false);
            data.Add(method, true, false);
            data.Add(method, false, true);
        }

        return data;
    }
}
