using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Sessions;

/// <summary>Editing and inverting with a model of two text encoders whose U-Net takes a vector of text and sizes.</summary>
public sealed class XlTests(SmallXlModel small) : IClassFixture<SmallXlModel>, IDisposable
{
    private const double Rounding = 1e-3;
    private static readonly EditSpecification NoControl = new() { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };
    private readonly DisposeScope scope = NewDisposeScope();

    private static EditRequest Request { get; } = new()
    {
        Source = "a red house in a field",
        Targets = ["a blue castle in a field"],
        Steps = 4,
        Guidance = 4,
        Seed = 3,
    };

    [Fact]
    public void TheModelsOwnSamplerRuns()
    {
        using var result = EditRun.Execute(small.Model, Request with { WatchAttention = true });
        Assert.Equal(SamplerKind.Euler, result.Sampler);
        Assert.Equal(new PixelSize(32, 32), result.Pictures[1].Size);
        Assert.Equal((8, 8), (result.Maps!.Height, result.Maps.Width));
        Assert.True(result.Latents.isfinite().all().ToBoolean());
        Assert.False(result.Latents[0].allclose(result.Latents[1], 1e-3, 1e-3));
    }

    [Fact]
    public void AnEditToTheSamePromptIsTheSource()
    {
        using var result = EditRun.Execute(small.Model, Request with { Targets = [Request.Source, "a red (house:1) in a field"] });
        AssertClose(result.Latents[0], result.Latents[1], Rounding, "same prompt");
        AssertClose(result.Latents[0], result.Latents[2], Rounding, "weight of one");
    }

    // The text as a whole is not attention: it is the edit's own from the first step, as its keys and values are.
    [Fact]
    public void FullControlStillSeesTheTargetsText()
    {
        using var result = EditRun.Execute(small.Model, Request with
        {
            Edit = new EditSpecification { CrossSteps = new CrossReplaceSteps(StepWindow.Until(1)), SelfSteps = StepWindow.Until(1) },
        });
        Assert.False(result.Latents[0].allclose(result.Latents[1], 1e-3, 1e-3));
    }

    [Fact]
    public void TheNextEditIsThatOfOneBatch()
    {
        EditRequest Blended(EditRequest request) => request with { Targets = Request.Targets, Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        using var together = EditRun.Execute(small.Model, Request);
        using var blended = EditRun.Execute(small.Model, Blended(Request));
        using var session = new EditSession(small.Model, Request);
        using var source = session.RunSource();
        using var edit = session.Edit(request => request with { Targets = Request.Targets });
        using var next = session.Edit(Blended);
        AssertClose(together.Latents[0], source.Latents[0], Rounding, "source");
        AssertClose(together.Latents[1], edit.Latents[0], Rounding, "edit");
        AssertClose(blended.Latents[1], next.Latents[0], Rounding, "blended edit");
    }

    // Samplers of few steps add noise at each: the source's and the edits' must be the same, whatever the passes.
    [Theory]
    [InlineData(SamplerKind.Lcm)]
    [InlineData(SamplerKind.EulerAncestral)]
    public void EditsWithSamplersThatAddNoiseKeepTheSource(SamplerKind sampler)
    {
        var request = Request with { Sampler = sampler, Guidance = 1 };
        using var same = EditRun.Execute(small.Model, request with { Targets = [Request.Source] });
        using var together = EditRun.Execute(small.Model, request);
        using var session = new EditSession(small.Model, request);
        using var source = session.RunSource();
        using var edit = session.Edit(each => each with { Targets = Request.Targets });
        AssertClose(same.Latents[0], same.Latents[1], Rounding, "same prompt");
        AssertClose(together.Latents[1], edit.Latents[0], Rounding, "edit");
    }

    [Fact]
    public void SizesAreSeenByTheNetwork()
    {
        using var plain = EditRun.Execute(small.Model, Request with { Targets = [] });
        using var told = EditRun.Execute(small.Model, Request with { Targets = [], OriginalSize = new PixelSize(32, 32) });
        using var cropped = EditRun.Execute(small.Model, Request with { Targets = [], Crop = (300, 0) });
        Assert.True(plain.Latents.Equals(told.Latents));
        Assert.False(plain.Latents.allclose(cropped.Latents, 1e-3, 1e-3));
        using var smaller = EditRun.Execute(small.Model, Request with { Targets = [], TargetSize = new PixelSize(512, 32) });
        Assert.False(plain.Latents.allclose(smaller.Latents, 1e-3, 1e-3));
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
        using var found = InversionMethod.Invert(small.Model, randn([1, 4, 16, 16], generator: random) * 0.5, new InversionSettings
        {
            Method = method,
            Prompt = Request.Source,
            Steps = 5,
            Guidance = 3,
            InnerSteps = 3,
            InversionGuidance = method == "bdia" ? 3 : null,
        });
        using var result = EditRun.Execute(small.Model, EditRequest.ForPicture(found) with { Targets = [Request.Source], Edit = NoControl });
        AssertClose(found.Source[^1], result.Latents[1], Rounding, method);
        if (method == "null-text")
            Assert.All(found.Losses, losses => Assert.True(losses.Count == 1 || losses[^1] < losses[0]));
    }

    [Fact]
    public void AnInversionKeepsItsVectorInItsFile()
    {
        using var random = new Generator(5);
        var picture = new Picture(32, 32, [.. Enumerable.Range(0, 32 * 32 * 3).Select(i => (byte)i)]);
        var settings = new InversionSettings { Method = "negative-prompt", Prompt = Request.Source, Steps = 3 };
        using var file = new InversionFile(
            InversionMethod.Invert(small.Model, picture.Encode(small.Model.Vae), settings), picture, Framing.For(small.Model, FramingKind.Crop, picture));
        var path = Path.GetTempFileName();
        file.Save(path, small.Model);
        using var read = InversionFile.Load(path, small.Model);
        File.Delete(path);
        Assert.True(file.Inverted.Unconditional!.Vector!.Equals(read.Inverted.Unconditional!.Vector!));
    }

    public void Dispose() => scope.Dispose();
}
