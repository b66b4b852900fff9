using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Exact inversion by bi-directional integration (Zhang et al. 2023, arXiv 2307.10829): each step of <see cref="BdiaScheduler"/> can be
/// undone without the network's prediction at its result.
/// </summary>
public sealed record BdiaInversion : InversionMethod
{
    /// <inheritdoc/>
    public override string Name => "bdia";

    /// <summary>γ of the paper: how much a step uses the previous one; above 0, at most 1.</summary>
    public double Gamma { get; init; } = 1;

    internal override bool ImprovesOnDdim => false;

    internal override void Validate(InversionSettings settings)
    {
        Require(settings.Sampling.Steps >= 2, nameof(SamplingSettings.Steps), $"{settings.Sampling.Steps} is too few for bdia.", "Use 2 or more.");
        RequireRange(Gamma is > 0 and <= 1, Gamma, nameof(Gamma), "Use a number above 0, at most 1.");
    }

    internal override InvertedImage Invert(InversionRun run)
    {
        using var scheduler = new BdiaScheduler(run.Config, run.Steps, Gamma);
        var guidance = run.Settings.InversionGuidance ?? 1;
        // The first step has no predecessor; it is a DDIM step.
        var first = scheduler.InverseStep(run.Predict(run.ImageLatents, run.Steps - 1, guidance), run.Steps - 1, run.ImageLatents);
        var latents = new List<Tensor> { run.ImageLatents, first };
        run.Report("inverting", 1);
        for (var step = run.Steps - 1; step > 0; step--)
        {
            using var scope = NewDisposeScope();
            var next = scheduler.UndoStep(run.Predict(latents[^1], step, guidance), step, latents[^1], latents[^2]);
            run.RequireFinite(next, "while inverting", "more steps or a larger gamma");
            latents.Add(next.MoveToOuterDisposeScope());
            run.Report("inverting", run.Steps - step + 1);
        }

        var trajectory = cat([.. latents], 0);
        return new(run.Settings, trajectory, trajectory.flip(0)) { FinishedSteps = run.Steps };
    }

    // Edits start at the second step with the source's first two samples, so that the previous sample is known.
    internal override int FirstStep(int steps) => 1;

    internal override Scheduler CreateScheduler(SchedulerConfig config, InvertedImage inverted)
    {
        using var before = inverted.SourceTrajectory.narrow(0, 0, 1);
        return new BdiaScheduler(config, inverted.Settings.Sampling.Steps, Gamma, before);
    }
}
