using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Plain DDIM inversion (Dhariwal and Nichol 2021, arXiv 2105.05233, appendix F): guided replay drifts away from the image. The
/// basis of the other methods and the baseline they are compared with.
/// </summary>
public sealed record DdimInversion : InversionMethod
{
    /// <inheritdoc/>
    public override string Name => "ddim";

    internal override bool ImprovesOnDdim => false;

    internal override InvertedImage Invert(InversionRun run)
    {
        var latents = Trajectory(run);
        var source = Replay(run, latents[^1], run.Settings.Sampling.Guidance, run.Unconditional);
        return new(run.Settings, cat([.. latents], 0), cat([.. source], 0)) { FinishedSteps = run.Steps };
    }

    /// <summary>
    /// The trajectory from the image to noise: steps + 1 latents, the image first. The network should be evaluated at the sample that a
    /// step arrives at, which is unknown; plain DDIM evaluates it at the sample the step leaves, each fixed-point refinement at a better
    /// estimate.
    /// </summary>
    internal static List<Tensor> Trajectory(InversionRun run)
    {
        var guidance = run.Settings.InversionGuidance ?? 1;
        var latents = new List<Tensor> { run.ImageLatents };
        for (var step = run.Steps - 1; step >= 0; step--)
        {
            using var scope = NewDisposeScope();
            var from = latents[^1];
            var next = FixedPoint.Solve(
                estimate => run.Scheduler.InverseStep(run.Predict(estimate, step, guidance), step, from, ReferenceEquals(estimate, from) ? null : estimate), from, 1 + run.Settings.FixedPoint);
            run.RequireFinite(next, "while inverting");
            latents.Add(next.MoveToOuterDisposeScope());
            run.Report("inverting", run.Steps - step);
        }

        return latents;
    }

    /// <summary>The trajectory from noise back to an image: steps + 1 latents, the noise first.</summary>
    /// <param name="run">The inversion.</param>
    /// <param name="start">The noise.</param>
    /// <param name="guidance">Classifier-free guidance.</param>
    /// <param name="unconditional">The conditioning used in place of the empty prompt.</param>
    internal static List<Tensor> Replay(InversionRun run, Tensor start, double guidance, Conditioning unconditional)
    {
        var latents = new List<Tensor> { start };
        for (var step = 0; step < run.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var next = run.Scheduler.Step(run.Predict(latents[^1], step, guidance, unconditional), step, latents[^1]);
            run.RequireFinite(next, "while replaying");
            latents.Add(next.MoveToOuterDisposeScope());
            run.Report("replaying", step + 1);
        }

        return latents;
    }
}
