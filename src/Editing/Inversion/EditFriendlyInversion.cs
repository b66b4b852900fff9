using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2023, arXiv 2304.06140): the image is noised to every level independently.
/// The noise that DDPM steps between those levels would have needed is computed and kept. It holds the image's structure, so edits that
/// add the same noise keep it.
/// </summary>
public sealed record EditFriendlyInversion : InversionMethod
{
    private const double SourceGuidance = 3.5;

    /// <inheritdoc/>
    public override string Name => "edit-friendly";

    /// <summary>Fraction of the steps that edits skip at the start, which keeps the image's coarse structure; from 0 to below 1.</summary>
    public double Skip { get; init; } = 0.36;

    internal override bool ImprovesOnDdim => false;

    internal override bool UsesSeed => true;

    internal override void Validate(InversionSettings settings) =>
        RequireRange(Skip is >= 0 and < 1, Skip, nameof(Skip), "Use a number from 0 to below 1.");

    internal override InvertedImage Invert(InversionRun run)
    {
        using var scheduler = new DdimScheduler(run.Config, run.Steps) { Eta = 1 };
        using var generator = new Generator(run.Settings.Sampling.Seed, CPU);
        var guidance = run.Settings.InversionGuidance ?? SourceGuidance;
        var source = new List<Tensor>();
        foreach (var timestep in scheduler.Timesteps)
        {
            using var noise = randn(run.ImageLatents.shape, device: CPU, generator: generator);
            source.Add(scheduler.AddNoise(run.ImageLatents, noise.to(run.Model.Device), timestep));
        }

        source.Add(run.ImageLatents);
        var steps = new List<Tensor>();
        for (var step = 0; step < run.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var mean = scheduler.Mean(run.Predict(source[step], step, guidance), step, source[step]);
            var deviation = scheduler.Deviation(step);
            // The last step may add no noise; the source still ends at the image, because its trajectory is known.
            steps.Add((deviation > 0 ? (source[step + 1] - mean) / Scalar(deviation) : zeros_like(mean)).MoveToOuterDisposeScope());
            run.Report("inverting", step + 1);
        }

        var trajectory = cat([.. source], 0);
        return new(run.Settings, trajectory.flip(0), trajectory) { StepNoise = InvertedImage.Own(cat([.. steps], 0)), FinishedSteps = run.Steps };
    }

    internal override int FirstStep(int steps) => (int)(Skip * steps);

    internal override Scheduler CreateScheduler(SchedulerConfig config, InvertedImage inverted)
        => new DdimScheduler(config, inverted.Settings.Sampling.Steps) { Eta = 1, StepNoise = inverted.StepNoise };
}
