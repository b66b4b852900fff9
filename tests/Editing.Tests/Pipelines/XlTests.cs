using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>Editing and inverting with a model of two text encoders whose U-Net takes a vector of text and sizes.</summary>
[Trait("Category", "Slow")]
public sealed class XlTests(TinyXlModel small) : IClassFixture<TinyXlModel>, IDisposable
{
    private const double Rounding = 1e-3;
    private static readonly EditRequest NoControl = new() { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };
    private readonly DisposeScope scope = NewDisposeScope();

    private static SamplingSettings Sampling { get; } = new() { Steps = 4, Guidance = 4, Seed = 3 };

    private static GenerationRequest Source { get; } = new() { Prompt = "a red house in a field", Sampling = Sampling };

    private static EditRequest Edit { get; } = new() { Prompts = ["a blue castle in a field"] };

    [Fact]
    public void TheModelsOwnSchedulerRuns()
    {
        using var result = EditRun.Execute(small.Model, Source, Edit, new Observation { Attention = true });
        Assert.Equal(SchedulerKind.Euler, result.Scheduler);
        Assert.Equal(new PixelSize(32, 32), result.Images[1].Size);
        Assert.Equal((4, 4), (result.Maps!.Height, result.Maps.Width));
        Assert.True(result.Latents.isfinite().all().ToBoolean());
        Assert.False(result.Latents[0].allclose(result.Latents[1], 1e-3, 1e-3));
    }

    [Fact]
    public void AnEditToTheSamePromptIsTheSource()
    {
        using var result = EditRun.Execute(small.Model, Source, new EditRequest { Prompts = [Source.Prompt, "a red (house:1) in a field"] });
        AssertClose(result.Latents[0], result.Latents[1], Rounding, "same prompt");
        AssertClose(result.Latents[0], result.Latents[2], Rounding, "weight of one");
    }

    // The text as a whole is not attention: it is the edit's own from the first step, as its keys and values are.
    [Fact]
    public void FullControlStillSeesTheTargetsText()
    {
        using var result = EditRun.Execute(
            small.Model, Source, Edit with { CrossSteps = new CrossReplaceSteps(StepWindow.Always), SelfSteps = StepWindow.Always });
        Assert.False(result.Latents[0].allclose(result.Latents[1], 1e-3, 1e-3));
    }

    [Fact]
    public void TheNextEditIsThatOfOneBatch()
    {
        var blend = Edit with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        using var together = EditRun.Execute(small.Model, Source, Edit);
        using var blended = EditRun.Execute(small.Model, Source, blend);
        using var session = new EditSession(small.Model, Source, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource();
        using var edit = session.Edit(Edit);
        using var next = session.Edit(blend);
        AssertClose(together.Latents[0], source.Latents[0], Rounding, "source");
        AssertClose(together.Latents[1], edit.Latents[0], Rounding, "edit");
        AssertClose(blended.Latents[1], next.Latents[0], Rounding, "blended edit");
    }

    // Schedulers of few steps add noise at each: the source's and the edits' must be the same, whatever the passes.
    [Theory]
    [InlineData(SchedulerKind.Lcm)]
    [InlineData(SchedulerKind.EulerAncestral)]
    public void EditsWithSchedulersThatAddNoiseKeepTheSource(SchedulerKind scheduler)
    {
        var request = Source with { Sampling = Sampling with { Scheduler = scheduler, Guidance = 1 } };
        using var same = EditRun.Execute(small.Model, request, new EditRequest { Prompts = [Source.Prompt] });
        using var together = EditRun.Execute(small.Model, request, Edit);
        using var session = new EditSession(small.Model, request, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource();
        using var edit = session.Edit(Edit);
        AssertClose(same.Latents[0], same.Latents[1], Rounding, "same prompt");
        AssertClose(together.Latents[1], edit.Latents[0], Rounding, "edit");
    }

    [Fact]
    public void SizesAreSeenByTheNetwork()
    {
        using var plain = Generate(Sampling);
        using var ownSize = Generate(Sampling with { OriginalSize = new PixelSize(32, 32) });
        using var cropped = Generate(Sampling with { Crop = (300, 0) });
        using var larger = Generate(Sampling with { TargetSize = new PixelSize(512, 32) });
        Assert.True(plain.Latents.Equals(ownSize.Latents));
        Assert.False(plain.Latents.allclose(cropped.Latents, 1e-3, 1e-3));
        Assert.False(plain.Latents.allclose(larger.Latents, 1e-3, 1e-3));

        EditResult Generate(SamplingSettings sampling) => EditRun.Execute(small.Model, Source with { Sampling = sampling });
    }

    // The source of an edit is what an ordinary guided run makes with the texts and the vector that were found.
    [Theory]
    [InlineData("null-text")]
    [InlineData("negative-prompt")]
    [InlineData("ddim")]
    [InlineData("bdia")]
    public void InversionsAreRetraced(string method)
    {
        using var random = new Generator(5);
        using var found = InversionMethod.Invert(small.Model, randn([1, 4, 8, 8], generator: random) * 0.5, new InversionSettings
        {
            Method = method == "null-text" ? new NullTextInversion { InnerSteps = 3 } : InversionMethod.Named(method),
            Prompt = Source.Prompt,
            Sampling = new() { Steps = 5, Guidance = 3 },
            InversionGuidance = method == "bdia" ? 3 : null,
        });
        using var result = EditRun.Execute(small.Model, GenerationRequest.Of(found), NoControl with { Prompts = [Source.Prompt] });
        AssertClose(found.SourceTrajectory[^1], result.Latents[1], Rounding, method);
        if (method == "null-text")
            Assert.All(found.Losses, losses => Assert.True(losses.Count == 1 || losses[^1] < losses[0]));
    }

    [Fact]
    public void AnInversionKeepsItsVectorInItsFile()
    {
        using var random = new Generator(5);
        var image = new Image(32, 32, [.. Enumerable.Range(0, 32 * 32 * 3).Select(i => (byte)i)]);
        var settings = new InversionSettings { Method = new NegativePromptInversion(), Prompt = Source.Prompt, Sampling = new() { Steps = 3 } };
        using var file = new InversionFile(
            InversionMethod.Invert(small.Model, small.Model.Vae.EncodeImage(image), settings), image, small.Model.Frame(FramingKind.Crop, image.Size));
        var path = Path.GetTempFileName();
        file.Save(path, small.Model);
        using var read = InversionFile.Load(path, small.Model);
        File.Delete(path);
        Assert.True(file.Inverted.Unconditional!.Vector!.Equals(read.Inverted.Unconditional!.Vector!));
    }

    public void Dispose() => scope.Dispose();
}
