using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Virtual inversion by the denoising diffusion consistent model (Xu et al. 2023, "Inversion-Free Image Editing with Natural Language", InfEdit, arXiv 2312.04965): any noise
/// leads to the image if each step is told the image. Nothing is inverted, so it suits consistency models with 4 to 12 steps, also those
/// that take guidance as an input: the source's is 1, and that of edits their own.
/// </summary>
/// <remarks>
/// A consistency step from timestep t to t′ with noise n is x′ = α′·x̂₀ + σ′·n, where x̂₀ = (x − σ·ε(x, t)) / α is the prediction (equation 5 of the paper). The source starts
/// from noise and replaces its prediction by the image x₀, so that it is on the image's way at each step (equation 6). The error x₀ − x̂₀ of its prediction is added to the
/// predictions of edits (equation 8):
/// <code>
/// source   x_s′ = α′·x₀ + σ′·n
/// edit     x_e′ = α′·(x̂₀ of the edit + x₀ − x̂₀ of the source) + σ′·n = α′·x̂₀ of the edit + c,   c = x_s′ − α′·x̂₀ of the source
/// </code>
/// An edit with the prediction of the source ends at the image exactly.
/// </remarks>
public sealed record VirtualInversion : InversionMethod
{
    private const double SourceGuidance = 1;

    /// <inheritdoc/>
    public override string Name => "virtual";

    internal override bool ImprovesOnDdim => false;

    internal override bool UsesSeed => true;

    internal override bool AcceptsGuidanceInput => true;

    internal override void Validate(InversionSettings settings) =>
        Require(settings.FixedPoint == 0, nameof(InversionSettings.FixedPoint), $"{Name} inverts no steps and refines nothing.", "Leave it out.");

    internal override InvertedImage Invert(InversionRun run)
    {
        using var scheduler = new ConsistencyScheduler(run.Config, run.Steps);
        using var generator = new Generator(run.Settings.Sampling.Seed, CPU);
        var source = new List<Tensor> { Noise() };
        var addends = new List<Tensor>();
        for (var step = 0; step < run.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var next = step + 1 < run.Steps ? scheduler.Next(step).AddNoise(run.ImageLatents, Noise()) : run.ImageLatents.alias();
            var prediction = run.PredictAt(source[step], scheduler.Timesteps[step], run.Settings.InversionGuidance ?? SourceGuidance);
            addends.Add((next - scheduler.Scaled(prediction, step, source[step])).MoveToOuterDisposeScope());
            source.Add(next.MoveToOuterDisposeScope());
            run.Report("inverting", step + 1);
        }

        var trajectory = cat([.. source], 0);
        return new(run.Settings, trajectory.flip(0), trajectory) { StepNoise = InvertedImage.Own(cat([.. addends], 0)), FinishedSteps = run.Steps };

        Tensor Noise()
        {
            using var drawn = randn(run.ImageLatents.shape, device: CPU, generator: generator);
            return drawn.to(run.Model.Device, copy: true);
        }
    }

    internal override Scheduler CreateScheduler(SchedulerConfig config, InvertedImage inverted) =>
        new ConsistencyScheduler(config, inverted.Settings.Sampling.Steps) { Addends = inverted.StepNoise };
}
