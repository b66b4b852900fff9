using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Tests.Inversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>A result owns what it shows: all of it can be read, and edited further, when everything it was made from is gone.</summary>
[Trait("Category", "Slow")]
public sealed class EditResultTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-result-");
    private readonly DisposeScope scope = NewDisposeScope();

    // Without attention control an edit depends on its words, its noise and what it is guided away from, and on nothing else.
    private static readonly EditRequest Free = new() { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };
    private static readonly Observation Traced = new() { Trace = true };

    public static TheoryData<string> Methods => [.. InversionMethod.Names];

    [Theory]
    [InlineData("")]
    [InlineData("people in the rain")]
    public void EditsOfEditsKeepTheNegativePrompt(string negative)
    {
        var sampling = new SamplingSettings { Steps = 4, Guidance = 5, Seed = 4, Negative = negative };
        AssertRetraced(Generate(sampling), depth: 3);
    }

    [Theory]
    [InlineData(TimestepSpacing.Trailing)]
    [InlineData(TimestepSpacing.Linspace)]
    public void EditsOfEditsKeepTheTimesteps(TimestepSpacing spacing)
    {
        var first = Generate(new SamplingSettings { Steps = 4, Guidance = 5, Seed = 4, Scheduler = SchedulerKind.Ddim, TimestepSpacing = spacing });
        using (var source = first.AsSource(1))
        {
            Assert.Equal(spacing, GenerationRequest.Of(source).Sampling.TimestepSpacing);
            using var further = EditRun.Execute(drawings.Model, GenerationRequest.Of(source));
            Assert.Equal(first.Timesteps, further.Timesteps);
        }

        AssertRetraced(first, depth: 2);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void EditsOfEditsOfAnImageGoOnAsItsInversionDid(string method)
    {
        var inverted = InversionMethod.Invert(drawings.Model, drawings.Latents, InvertedDrawings.Settings(method));
        var first = EditRun.Execute(drawings.Model, GenerationRequest.Of(inverted), Free with { Prompts = ["a blue house in a field"] }, Traced);
        inverted.Dispose();
        AssertRetraced(first, depth: 2);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void EditsOfEditsOfAnImageKeepTheirGuidance(string method)
    {
        using var inverted = InversionMethod.Invert(drawings.Model, drawings.Latents, InvertedDrawings.Settings(method));
        var source = GenerationRequest.Of(inverted);
        source = source with { Sampling = source.Sampling with { Guidance = 6, GuidanceRescale = 0.7 } };
        AssertRetraced(EditRun.Execute(drawings.Model, source, Free with { Prompts = ["a blue house in a field"] }, Traced), depth: 2);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void AllOfItCanBeReadWhenWhatItWasMadeFromIsGone(string method)
    {
        EditResult edit;
        using (var inverted = InversionMethod.Invert(drawings.Model, drawings.Latents, InvertedDrawings.Settings(method)))
        using (var session = new EditSession(drawings.Model, GenerationRequest.Of(inverted), ScalarType.Float32, long.MaxValue))
        {
            session.RunSource().Dispose();
            Assert.Equal(session.RecordedBytes, session.RequiredBytes);
            edit = session.Edit(
                new EditRequest { Prompts = ["a (blue:1.5) house in a field"], Mask = drawings.Image },
                new Observation { Attention = true, SelfAttention = true, Trace = true });
        }

        using (edit)
        {
            edit.SaveTrace(PathOf("trace"));
            using var trace = SafetensorsFile.Open(PathOf("trace"));
            Assert.Equal(7, trace.Tensors["inversion.latents"].Shape[0]);
            Assert.Contains("blue ×1.5", edit.Caption(0), StringComparison.Ordinal);
            Assert.NotNull(edit.LastMask(0));
            Assert.NotNull(edit.Maps!.Mean(1));
            using var further = edit.AsSource(0);
            Assert.Equal("a blue house in a field", further.Settings.Prompt);
        }
    }

    [Fact]
    public void AnInpaintedImageIsReadAfterItsRunToo()
    {
        var white = drawings.Image with { Rgb = [.. Enumerable.Repeat(byte.MaxValue, drawings.Image.Rgb.Length)] };
        var request = new InpaintRequest
        {
            Image = drawings.Image,
            Mask = white,
            Prompt = "a white house in a field",
            Sampling = new SamplingSettings { Steps = 4, Negative = "people" },
            Strength = 0.5,
        };
        using var filled = InpaintRun.Execute(drawings.Model, request, Traced);
        filled.Run.SaveTrace(PathOf("trace"));
        Assert.NotNull(filled.Run.LastMask(0));
        Assert.Equal("a white house in a field", filled.Run.Caption(0));
        // It began in the middle: its way from noise is not known.
        Assert.DoesNotContain("--", Assert.Throws<InvalidInputException>(() => filled.Run.AsSource(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANegativePromptThatWouldNotCountIsRefused()
    {
        var house = new GenerationRequest { Prompt = "a house", Sampling = new SamplingSettings { Steps = 2, Negative = "people" } };
        using var first = EditRun.Execute(drawings.Model, house, observation: Traced);
        using var further = first.AsSource(0);
        var source = GenerationRequest.Of(further);
        var refused = Assert.Throws<InvalidInputException>(() => EditRun.Execute(
            drawings.Model, source with { Sampling = source.Sampling with { Negative = "rain" } }, new EditRequest { Prompts = ["a red house"] }));
        Assert.Equal(nameof(SamplingSettings.Negative), refused.Setting);
        Assert.Contains("negative prompt", refused.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Delete(recursive: true);
    }

    private EditResult Generate(SamplingSettings sampling) => EditRun.Execute(
        drawings.Model,
        new GenerationRequest { Prompt = "a white house in a field", Sampling = sampling },
        Free with { Prompts = ["a red house in a field"] },
        Traced);

    /// <summary>Edits the edit to its own words, again and again, each time with everything earlier disposed: it always comes out the same.</summary>
    private void AssertRetraced(EditResult first, int depth)
    {
        var expected = first.Latents.narrow(0, 1, 1).clone();
        var (edit, prompt) = (first, first.Prompts[1].Text);
        for (var level = 0; level < depth; level++)
        {
            var source = edit.AsSource(1);
            edit.Dispose();
            edit = EditRun.Execute(drawings.Model, GenerationRequest.Of(source), Free with { Prompts = [prompt] }, Traced);
            source.Dispose();
            AssertClose(expected, edit.Latents.narrow(0, 0, 1), 1e-6, $"source at level {level}");
            AssertClose(expected, edit.Latents.narrow(0, 1, 1), 1e-4, $"edit at level {level}");
        }

        edit.Dispose();
    }

    private string PathOf(string name) => Path.Combine(folder.FullName, name);
}
