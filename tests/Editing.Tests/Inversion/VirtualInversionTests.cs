using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

public sealed class VirtualInversionTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    private const string Target = "a blue house in a field";
    private const ulong Seed = 5;
    private readonly DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData(1)]
    [InlineData(2.5)]
    public void AnEditIsThePublishedLoop(double guidance)
    {
        var found = drawings.Invert(Settings(guidance));
        AssertClose(Published(guidance), drawings.Edit(found, Target), 1e-4, "edit");
    }

    [Fact]
    public void TheSourcesPredictionLeadsToTheImage()
    {
        var found = drawings.Invert(Settings(guidance: 1));
        AssertClose(drawings.Latents, drawings.Retrace(found), 1e-3, "image");
    }

    [Fact]
    public void AConsistencyModelIsSampledAtTheTimestepsOfItsDistillation()
    {
        var config = new SchedulerConfig { ClassName = "LCMScheduler" };
        using var lcm = new ConsistencyScheduler(config, 4);
        using var other = new ConsistencyScheduler(new SchedulerConfig(), 4);
        using var ddim = new DdimScheduler(new SchedulerConfig(), 4);
        Assert.Equal([999, 759, 499, 259], lcm.Timesteps);
        Assert.Equal(ddim.Timesteps, other.Timesteps);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1.5)]
    public void AModelThatTakesGuidanceGetsTheSourcesAndTheEdits(double ofSource)
    {
        using var distilled = TinyModel.Distilled();
        var model = distilled.Model;
        var settings = Settings(guidance: 2.3) with { InversionGuidance = ofSource };
        using var found = InversionMethod.Invert(model, drawings.Latents, settings);
        var source = GenerationRequest.Of(found);
        var edit = new EditRequest { Prompts = [Target], CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };
        using var together = EditRun.Execute(model, source, edit);
        using var rowByRow = EditRun.Execute(model, source with { RowByRow = true }, edit);
        using var session = new EditSession(model, source, ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        using var recorded = session.Edit(edit);

        var expected = Published(model, ofSource, 2.3);
        AssertClose(expected, together.Latents.narrow(0, 1, 1));
        AssertClose(expected, rowByRow.Latents.narrow(0, 1, 1));
        AssertClose(expected, recorded.Latents);
        AssertDiffers(expected, Published(model, 2.3, 2.3));

        static Tensor Clean(NoiseLevel level, Tensor x, Tensor prediction) => (x - (prediction * level.Sigma)) / level.Alpha;

        // Both branches, one row each, with guidance as an input.
        Tensor Published(StableDiffusionModel lcm, double guidanceOfSource, double guidance)
        {
            using var _ = no_grad();
            using var scheduler = new LcmScheduler(lcm.SchedulerConfig, 6, seed: 0);
            using var generator = new Generator(Seed, CPU);
            var image = drawings.Latents;
            var xs = randn(image.shape, generator: generator);
            var xt = xs;
            for (var i = 0; ; i++)
            {
                var level = scheduler.Noise.Level(scheduler.Timesteps[i]);
                var clean = image + Clean(level, xt, Predict(xt, Target, guidance)) - Clean(level, xs, Predict(xs, settings.Prompt, guidanceOfSource));
                if (i == 5)
                    return clean;
                var next = scheduler.Noise.Level(scheduler.Timesteps[i + 1]);
                var noise = randn(image.shape, generator: generator);
                (xt, xs) = ((clean * next.Alpha) + (noise * next.Sigma), (image * next.Alpha) + (noise * next.Sigma));

                Tensor Predict(Tensor x, string prompt, double scale) =>
                    lcm.UNet.Forward(x, tensor(new[] { scheduler.Timesteps[i] }), TextConditioning.Encode(lcm, [lcm.Tokenizer.Tokenize(prompt)]) with { Guidance = [scale] });
            }
        }
    }

    [Fact]
    public void OtherInversionsRefuseAModelThatTakesGuidance()
    {
        using var distilled = TinyModel.Distilled();
        var error = Assert.Throws<InvalidInputException>(() => InversionMethod.Invert(distilled.Model, drawings.Latents, InvertedDrawings.Settings("direct")));
        Assert.Contains("cannot invert images by direct", error.Message, StringComparison.Ordinal);
        Assert.Contains("virtual", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => scope.Dispose();

    private static InversionSettings Settings(double guidance) => InvertedDrawings.Settings("virtual") with { Sampling = new() { Steps = 6, Guidance = guidance, Seed = Seed } };

    // The paper's algorithm: both branches side by side, all predictions as noise.
    private Tensor Published(double guidance)
    {
        using var _ = no_grad();
        var model = drawings.Model;
        using var ddim = new DdimScheduler(model.SchedulerConfig, 6);
        using var generator = new Generator(Seed, CPU);
        var image = drawings.Latents;
        var (source, target, empty) = (Text("a red house in a field"), Text(Target), Text(""));
        var xs = randn(image.shape, generator: generator);
        var xt = xs;
        for (var i = 0; i < 6; i++)
        {
            var (es, free, et) = (Predict(xs, source), Predict(xt, empty), Predict(xt, target));
            et = free + ((et - free) * guidance);
            var a = AlphaCumprod(i);
            var clean = image + (((xt - xs) - ((et - es) * Math.Sqrt(1 - a))) / Math.Sqrt(a));
            if (i == 5)
                return clean;
            var next = AlphaCumprod(i + 1);
            var noise = randn(image.shape, generator: generator);
            xt = (clean * Math.Sqrt(next)) + (noise * Math.Sqrt(1 - next));
            xs = (image * Math.Sqrt(next)) + (noise * Math.Sqrt(1 - next));

            Tensor Predict(Tensor x, Conditioning text) => model.Denoiser.Predict(x, ddim.Timesteps[i], text, AttentionProcessor.Plain, DenoisingStep.None);
        }

        throw new InvalidOperationException();

        double AlphaCumprod(int step)
        {
            var alpha = ddim.Noise.Level(ddim.Timesteps[step]).Alpha;
            return alpha * alpha;
        }

        Conditioning Text(string prompt) => TextConditioning.Encode(model, [model.Tokenizer.Tokenize(prompt)]);
    }
}
