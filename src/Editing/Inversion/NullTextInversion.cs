using TorchSharp;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Null-text inversion (Mokady et al. 2022, arXiv 2211.09794, algorithm 1): after DDIM inversion, an embedding in the empty prompt's place is
/// optimised at each timestep, so that guided denoising leads from each pivot to the next.
/// </summary>
/// <remarks>
/// An inner iteration is one unconditional row forward and its gradient with respect to the embedding alone: the conditional prediction
/// does not change within a timestep and is computed once, the weights need no gradients.
/// </remarks>
internal sealed class NullTextInversion : InversionMethod
{
    public const string MethodName = "null-text";

    /// <summary>The learning rate falls by a hundredth with each timestep.</summary>
    public const int MostSteps = 100;

    // The published code lets later timesteps end earlier, by this much loss each.
    private const double EarlyStopGrowth = 2e-5;

    private const double GradientScale = 1 << 12;

    public override string Name => MethodName;

    internal override bool ReplacesUnconditional => true;

    internal override InvertedPicture Invert(InversionRun run)
    {
        var pivots = run.Resume is { } earlier ? [.. Rows(earlier.Latents, run.Steps + 1)] : DdimInversion.Trajectory(run);
        var source = run.Resume is null ? [pivots[^1]] : Rows(run.Resume.Source, run.Resume.FinishedSteps + 1);
        var embeddings = run.Resume?.Unconditional is { } found ? Rows(found.Text, run.Resume.FinishedSteps) : [];
        List<IReadOnlyList<double>> losses = [.. run.Resume?.Losses ?? []];
        for (var step = embeddings.Count; step < run.Steps; step++)
        {
            var (embedding, next, stepLosses) = Optimise(run, step, source[^1], pivots[run.Steps - step - 1], embeddings.LastOrDefault() ?? run.Unconditional.Text);
            embeddings.Add(embedding);
            source.Add(next);
            losses.Add(stepLosses);
            if (step + 1 < run.Steps)
                run.Checkpoint(Found);
            run.Report("optimising", step + 1, stepLosses.Count > 0 ? stepLosses[^1] : null);
        }

        return Found();

        InvertedPicture Found()
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

    private static (Tensor Embedding, Tensor Next, List<double> Losses) Optimise(InversionRun run, int step, Tensor current, Tensor pivot, Tensor start)
    {
        using var scope = NewDisposeScope();
        var conditional = run.Predict(current, step, run.Conditional);
        using var network = run.Differentiable(current, step);
        var adam = new Adam(start.to(ScalarType.Float32), run.Settings.LearningRate * (1 - (step / (double)MostSteps)));
        var losses = new List<double>();
        while (losses.Count < run.Settings.InnerSteps)
        {
            using var iteration = NewDisposeScope();
            using var pass = network.Forward(adam.Value.to(run.Model.Dtype));
            var (loss, gradient) = Loss(pass.Output);
            // The gradient of a mean is too small a number for float16; a power of two takes nothing from it elsewhere.
            adam.Step(pass.Backward(gradient * Held(GradientScale)) / Held(GradientScale));
            run.CountIteration();
            losses.Add(loss);
            // As published: the loss is that before the update it decides about.
            if (loss < run.Settings.EarlyStop + (step * EarlyStopGrowth))
                break;
        }

        var next = Next(run.Predict(current, step, run.Unconditional with { Text = adam.Value }));
        run.RequireFinite(next, "while optimising");
        return (adam.Value.MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope(), losses);

        Tensor Next(Tensor free) => run.Scheduler.Step(free + (Held(run.Settings.Guidance) * (conditional - free)), step, current);

        // The mean squared distance of the step's result from the pivot, and its gradient with respect to the unconditional prediction.
        (double Loss, Tensor Gradient) Loss(Tensor output)
        {
            using var _ = enable_grad();
            var free = output.to(ScalarType.Float32, copy: true).detach().requires_grad_(true);
            var loss = (Next(free) - pivot).square().mean();
            loss.backward();
            return (loss.ToDouble(), free.grad!);
        }
    }

    private static List<Tensor> Rows(Tensor stacked, int count) => [.. Enumerable.Range(0, count).Select(i => stacked.narrow(0, i, 1))];

    /// <summary>Adam (Kingma and Ba 2014, arXiv 1412.6980) with its usual constants, of one tensor.</summary>
    private sealed class Adam(Tensor value, double rate)
    {
        private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;
        private readonly Tensor first = zeros_like(value);
        private readonly Tensor second = zeros_like(value);
        private int steps;

        public Tensor Value { get; } = value.clone();

        public void Step(Tensor gradient)
        {
            steps++;
            first.mul_(Held(Beta1)).add_(gradient, alpha: Held(1 - Beta1));
            second.mul_(Held(Beta2)).addcmul_(gradient, gradient, Held(1 - Beta2));
            var scale = second.sqrt().div_(Held(Math.Sqrt(1 - Math.Pow(Beta2, steps)))).add_(Held(Epsilon));
            Value.addcdiv_(first, scale, Held(-rate / (1 - Math.Pow(Beta1, steps))));
        }
    }
}
