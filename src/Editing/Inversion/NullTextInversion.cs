using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Null-text inversion (Mokady et al. 2022, arXiv 2211.09794, algorithm 1): after DDIM inversion, the embedding that replaces the empty
/// prompt is optimized at each timestep, so that guided denoising leads from each pivot to the next.
/// </summary>
/// <remarks>
/// An inner iteration runs one unconditional row forward and computes its gradient with respect to the embedding only. The conditional
/// prediction does not change within a timestep and is computed once; the weights need no gradients.
/// </remarks>
public sealed record NullTextInversion : InversionMethod
{
    /// <summary>Maximum of <see cref="InnerSteps"/>.</summary>
    public const int MaxInnerSteps = 1000;

    /// <summary>Maximum number of denoising steps: the learning rate falls by a hundredth of its initial value at each timestep.</summary>
    public const int MaxSteps = 100;

    // In the published code the stopping threshold rises by this much with each timestep.
    private const double EarlyStopGrowth = 2e-5;

    /// <inheritdoc/>
    public override string Name => "null-text";

    /// <summary>Maximum number of optimization steps per timestep, 0 to <see cref="MaxInnerSteps"/>.</summary>
    public int InnerSteps { get; init; } = 10;

    /// <summary>The loss at which the first timestep stops, at least 0; it rises by 2·10⁻⁵ with each timestep.</summary>
    public double EarlyStop { get; init; } = 1e-5;

    /// <summary>Adam's learning rate at the first timestep, above 0.</summary>
    public double LearningRate { get; init; } = 1e-2;

    /// <summary>
    /// Whether the backward pass recomputes activations (gradient checkpointing): a third more work, far less memory. Null enables it if
    /// the activations would take more than about 2 GB, and for models that hold one part in memory at a time.
    /// </summary>
    public bool? SaveMemory { get; init; }

    /// <inheritdoc/>
    public override bool HasGradient => true;

    internal override bool ReplacesUnconditional => true;

    internal override void Validate(InversionSettings settings)
    {
        Require(
            settings.Sampling.Steps <= MaxSteps, nameof(SamplingSettings.Steps), $"{settings.Sampling.Steps} is too many for null-text inversion: its learning rate would reach 0.",
            $"Use at most {MaxSteps}.");
        RequireRange(InnerSteps, 0, MaxInnerSteps, nameof(InnerSteps));
        RequireRange(EarlyStop >= 0, EarlyStop, nameof(EarlyStop), "Use a number of at least 0.");
        RequireRange(LearningRate > 0 && double.IsFinite(LearningRate), LearningRate, nameof(LearningRate), "Use a number above 0.");
    }

    internal override InvertedImage Invert(InversionRun run)
    {
        var pivots = run.Resume is { } earlier ? [.. Rows(earlier.Latents, run.Steps + 1)] : DdimInversion.Trajectory(run);
        var source = run.Resume is null ? [pivots[^1]] : Rows(run.Resume.SourceTrajectory, run.Resume.FinishedSteps + 1);
        var embeddings = run.Resume?.Unconditional is { } found ? Rows(found.Text, run.Resume.FinishedSteps) : [];
        List<IReadOnlyList<double>> losses = [.. run.Resume?.Losses ?? []];
        for (var step = embeddings.Count; step < run.Steps; step++)
        {
            var (embedding, next, stepLosses) = Optimize(run, step, source[^1], pivots[run.Steps - step - 1], embeddings.LastOrDefault() ?? run.Unconditional.Text);
            embeddings.Add(embedding);
            source.Add(next);
            losses.Add(stepLosses);
            if (step + 1 < run.Steps)
                run.Checkpoint(Found);
            run.Report("optimizing", step + 1, stepLosses.Count > 0 ? stepLosses[^1] : null);
        }

        return Found();

        InvertedImage Found()
        {
            using var scope = NewDisposeScope();
            return new(run.Settings, cat([.. pivots], 0), cat([.. source], 0))
            {
                Unconditional = (run.Unconditional with { Text = cat([.. embeddings], 0) }).Own(),
                Losses = [.. losses],
                FinishedSteps = embeddings.Count,
            };
        }
    }

    private (Tensor Embedding, Tensor Next, List<double> Losses) Optimize(InversionRun run, int step, Tensor current, Tensor pivot, Tensor start)
    {
        using var scope = NewDisposeScope();
        var conditional = run.Predict(current, step, run.Conditional);
        using var network = run.Differentiable(current, step, SaveMemory);
        using var adam = new Adam(start.to(ScalarType.Float32));
        var rate = LearningRate * (1 - (step / (double)MaxSteps));
        var losses = new List<double>();
        while (losses.Count < InnerSteps)
        {
            using var iteration = NewDisposeScope();
            using var pass = network.Forward(adam.Value.to(run.Model.Dtype));
            var (loss, gradient) = Loss(pass.Output);
            adam.Step(GradientScale.Down(pass.Backward(GradientScale.Up(gradient)).Text), rate);
            run.CountIteration();
            losses.Add(loss);
            // As published: the loss before the update decides whether to stop after it.
            if (loss < EarlyStop + (step * EarlyStopGrowth))
                break;
        }

        var next = Next(run.Predict(current, step, run.Unconditional with { Text = adam.Value }));
        run.RequireFinite(next, "while optimizing");
        return (adam.Value.clone().MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope(), losses);

        Tensor Next(Tensor free) => run.Scheduler.Step(Guidance.Combine(free, conditional, run.Settings.Sampling.Guidance), step, current);

        // The mean squared distance of the step's result from the pivot, with its gradient with respect to the unconditional prediction.
        (double Loss, Tensor Gradient) Loss(Tensor output)
        {
            using var _ = enable_grad();
            var free = output.to(ScalarType.Float32, copy: true).detach().requires_grad_(true);
            var loss = (Next(free) - pivot).Squared().mean();
            loss.backward();
            return (loss.ReadDouble(), free.grad!);
        }
    }

    private static List<Tensor> Rows(Tensor stacked, int count) => [.. Enumerable.Range(0, count).Select(i => stacked.narrow(0, i, 1))];
}
