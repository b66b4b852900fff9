using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>What each method promises of the way back.</summary>
public sealed class InversionMethodTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    // Rows that share a batch are rounded otherwise than single ones, and every step passes the difference on.
    private const double Rounding = 1e-3;
    private readonly DisposeScope scope = NewDisposeScope();

    // For these the source is what an ordinary guided run makes with the embedding that was found.
    [Theory]
    [InlineData("ddim")]
    [InlineData("negative-prompt")]
    [InlineData("proximal")]
    [InlineData("null-text")]
    public void TheSourceIsWhatAnOrdinaryRunMakes(string method)
    {
        var found = drawings.Invert(InvertedDrawings.Settings(method));
        AssertClose(found.SourceTrajectory[^1].unsqueeze(0), drawings.Retrace(found), Rounding, method);
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("bdia")]
    [InlineData("edit-friendly")]
    [InlineData("virtual")]
    [InlineData("uni-inv")]
    public void TheSourceIsTheInversionBackwards(string method)
    {
        var found = drawings.Invert(InvertedDrawings.Settings(method));
        Assert.True(found.Latents.flip(0).Equals(found.SourceTrajectory));
        Assert.True(found.Latents[0].Equals(drawings.Latents[0]));
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("null-text")]
    public void LongAndEmphasisedPromptsAreRetracedToo(string method)
    {
        var prompt = "a (red:1.2) house" + string.Concat(Enumerable.Repeat(" in the green sunny quiet field", 14));
        var settings = InvertedDrawings.Settings(method);
        var found = drawings.Invert(settings with { Prompt = prompt, Sampling = settings.Sampling with { Chunks = 2, Steps = 3 } });
        // The edit's prompt has the emphasis of the source's.
        AssertClose(found.SourceTrajectory[^1].unsqueeze(0), drawings.Edit(found, prompt.Replace("(red:1.2)", "red")), Rounding, method);
        var source = GenerationRequest.Of(found);
        var refused = Assert.Throws<InvalidInputException>(
            () => EditRun.Execute(drawings.Model, source with { Sampling = source.Sampling with { Chunks = 1 } }));
        Assert.Equal(nameof(SamplingSettings.Chunks), refused.Setting);
    }

    [Fact]
    public void TheSameSettingsGiveTheSameInversion()
    {
        var settings = InvertedDrawings.Settings("edit-friendly");
        using var again = InversionMethod.Invert(drawings.Model, drawings.Latents, settings);
        Assert.True(again.StepNoise!.Equals(drawings.Invert(settings).StepNoise!));
        using var other = InversionMethod.Invert(drawings.Model, drawings.Latents, settings with { Sampling = settings.Sampling with { Seed = 1 } });
        Assert.False(other.StepNoise!.Equals(drawings.Invert(settings).StepNoise!));
    }

    [Fact]
    public void AnInterruptedInversionEndsAsAnUninterruptedOne()
    {
        var settings = InvertedDrawings.Settings("null-text");
        var whole = drawings.Invert(settings);
        var file = Path.GetTempFileName();
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => InversionMethod.Invert(drawings.Model, drawings.Latents, settings, checkpoint: Keep, cancellationToken: stop.Token));
        using var unfinished = InversionFile.Load(file, drawings.Model);
        Assert.Equal(3, unfinished.Inverted.FinishedSteps);
        Assert.Throws<InvalidInputException>(() => drawings.Retrace(unfinished.Inverted));
        using var resumed = InversionMethod.Invert(drawings.Model, drawings.Latents, settings, resume: unfinished.Inverted);
        InversionFileTests.AssertSame(whole, resumed);
        Assert.Equal(Trace(whole), Trace(resumed));
        File.Delete(file);

        // What came before the stop is in it as well.
        byte[] Trace(InvertedImage found)
        {
            found.SaveTrace(file, drawings.Model);
            return File.ReadAllBytes(file);
        }

        void Keep(Func<InvertedImage> find)
        {
            using var found = InversionFileTests.File(drawings, find());
            if (found.Inverted.FinishedSteps != 3)
                return;
            found.Save(file, drawings.Model);
            stop.Cancel();
        }
    }

    [Theory]
    [InlineData("null-text", "uncond loss iterations")]
    [InlineData("negative-prompt", "uncond")]
    [InlineData("proximal", "uncond")]
    [InlineData("direct", "")]
    [InlineData("ddim", "")]
    [InlineData("bdia", "")]
    [InlineData("edit-friendly", "")]
    [InlineData("virtual", "")]
    [InlineData("uni-inv", "")]
    public void ATraceHasWhatItsMethodFinds(string method, string parts)
    {
        var found = drawings.Invert(InvertedDrawings.Settings(method));
        var file = Path.GetTempFileName();
        found.SaveTrace(file, drawings.Model);
        using (var trace = SafetensorsFile.Open(file))
        {
            Assert.Equal(
                parts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Append("latents").Order(StringComparer.Ordinal).Select(part => "inversion." + part),
                trace.Tensors.Keys.Where(name => name.StartsWith("inversion.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
            Assert.All(trace.Tensors, tensor => Assert.Equal(tensor.Key.EndsWith("latents", StringComparison.Ordinal) ? 7 : 6, tensor.Value.Shape[0]));
            AssertClose(drawings.Latents[0], trace.Read("inversion.latents")[0], 1e-6, "the picture");
            AssertClose(found.SourceTrajectory[0].unsqueeze(0), trace.Read("latents")[0], 1e-6, "the start");
            Assert.Equal(found.Settings.Method.CreateScheduler(drawings.Model.SchedulerConfig, found).Timesteps, trace.Read("timesteps").data<long>().ToArray());
        }

        File.Delete(file);
    }

    // The source pass of an inverted picture is one row, and the edit pass reads what it recorded.
    [Theory]
    [InlineData("null-text")]
    [InlineData("direct")]
    public void ASessionMakesTheImageOfOneBatch(string method)
    {
        var request = GenerationRequest.Of(drawings.Invert(InvertedDrawings.Settings(method)));
        var steps = request.Sampling.Steps;
        var edit = new EditRequest { Prompts = ["a blue castle in a field"], Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8 };
        var rows = new List<int>();
        var progress = new Each(step => rows.Add(step.Rows));
        using var together = EditRun.Execute(drawings.Model, request, edit, progress: progress);
        using var session = new EditSession(drawings.Model, request, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource(progress: progress);
        using var alone = session.Edit(edit, progress: progress);
        AssertClose(together.Latents[0], source.Latents[0], 1e-6, "source");
        AssertClose(together.Latents[1], alone.Latents[0], Rounding, "edit");
        Assert.Equal([.. Enumerable.Repeat(3, steps), .. Enumerable.Repeat(1, steps), .. Enumerable.Repeat(2, steps)], rows);
    }

    public void Dispose() => scope.Dispose();

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
