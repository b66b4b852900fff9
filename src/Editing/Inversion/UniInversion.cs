using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Uni-Inv (Jiao et al. 2025, arXiv 2504.13109) in its DDIM form: each step evaluates the network once, at a predicted sample of the level that the step leads
/// to. With <c>D_i(ε, z)</c> the inverse DDIM step that leads to level i, the image z_0, and the network's prediction ε of the empty prompt without guidance,
/// <code>
/// (1)  ε_0 = ε(z_0, 0)
/// (2)  z̄_i = D_i(ε_(i−1), z_(i−1))
/// (3)  ε_i = ε(z̄_i, t_i)
/// (4)  z_i = D_i(ε_i, z_(i−1))
/// </code>
/// It comes as near to the image as fixed-point refinements, which evaluate twice or more. The source of an edit follows the inversion, as with
/// <see cref="DirectInversion"/>.
/// </summary>
public sealed record UniInversion : InversionMethod
{
    /// <inheritdoc/>
    public override string Name => "uni-inv";

    /// <summary>α: part of the steps that is inverted and edited, above 0, at most 1. The paper's 0.6 keeps the coarse structure.</summary>
    public double Depth { get; init; } = 1;

    internal override bool ImprovesOnDdim => false;

    internal override void Validate(InversionSettings settings)
    {
        Require(settings.FixedPoint == 0, nameof(InversionSettings.FixedPoint), $"{Name} evaluates the network once a step and refines nothing.", "Leave it out.");
        Require(settings.InversionGuidance is null, nameof(InversionSettings.InversionGuidance), $"{Name} inverts with the empty prompt and without guidance.", "Leave it out.");
        RequireRange(Depth is > 0 and <= 1, Depth, nameof(Depth), "Use a number above 0, at most 1.");
        Require(FirstStep(settings.Sampling.Steps) < settings.Sampling.Steps, nameof(Depth), $"{Depth} of {settings.Sampling.Steps} steps is no step.", "Use a larger number or more steps.");
    }

    internal override InvertedImage Invert(InversionRun run)
    {
        var latents = new List<Tensor> { run.ImageLatents };
        var prediction = run.PredictAt(run.ImageLatents, 0, run.Unconditional);
        for (var step = run.Steps - 1; step >= FirstStep(run.Steps); step--)
        {
            using var scope = NewDisposeScope();
            var predicted = run.Scheduler.InverseStep(prediction, step, latents[^1]);
            prediction = run.Predict(predicted, step, run.Unconditional);
            var next = run.Scheduler.InverseStep(prediction, step, latents[^1], predicted);
            run.RequireFinite(next, "while inverting");
            latents.Add(next.MoveToOuterDisposeScope());
            prediction = prediction.MoveToOuterDisposeScope();
            run.Report("inverting", run.Steps - step, steps: run.Steps - FirstStep(run.Steps));
        }

        // Edits begin at the last of them; the steps before are skipped.
        var trajectory = cat([.. latents, .. Enumerable.Repeat(latents[^1], FirstStep(run.Steps))], 0);
        return new(run.Settings, trajectory, trajectory.flip(0)) { FinishedSteps = run.Steps };
    }

    internal override int FirstStep(int steps) => steps - (int)(Depth * steps);
}
