using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// DPM-Solver++ of first and second order, multistep (Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion
/// Probabilistic Models", algorithm 2).
/// </summary>
internal sealed class DpmSolverMultistepScheduler : Scheduler
{
    internal const string SupportedAlgorithm = "dpmsolver++";

    /// <summary>Shorter runs end with a first-order step if the config allows it.</summary>
    private const int ShortRun = 15;

    private readonly double[] sigmas;
    private readonly StepHistory samples = new(2);

    /// <summary>Prepares a run of <paramref name="steps"/> steps.</summary>
    /// <exception cref="InvalidInputException">The number of steps is not possible, or the config needs an unsupported variant.</exception>
    public DpmSolverMultistepScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        if (config.AlgorithmType != SupportedAlgorithm)
            throw new InvalidInputException("Sampler", $"The scheduler config asks for the DPM-Solver algorithm \"{config.AlgorithmType}\"; only {SupportedAlgorithm} is supported.", "Use ddim.");
        if (config.SolverOrder is not (1 or 2))
            throw new InvalidInputException("Sampler", $"The scheduler config asks for DPM-Solver of order {config.SolverOrder}; only 1 and 2 are supported.", "Use ddim.");
        Timesteps = TimestepGrid.Create(config, config.TimestepSpacing ?? TimestepSpacing.Linspace, steps, includesEnd: false);
        double[] ratios = [.. Timesteps.Select(Noise.Ratio)];
        var end = Noise.Ratio(0);
        if (config.UseKarrasSigmas)
        {
            ratios = SigmaGrid.Karras(Noise.Ratio(Noise.Count - 1), end, steps);
            Timesteps = [.. ratios.Select(ratio => SigmaGrid.Timestep(Noise, ratio))];
        }
        sigmas = [.. ratios, config.FinalSigmaIsZero ? 0 : end];
    }

    /// <summary>The noise level at each step and at the end, as ratios σ/α.</summary>
    public IReadOnlyList<double> Sigmas => sigmas;

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        samples.Begin(step);
        using var scope = NewDisposeScope();
        samples.Push(PredictSample(modelOutput, step, sample));

        NoiseLevel level = Level(step), next = Level(step + 1);
        var h = next.Lambda - level.Lambda;
        var gain = -next.Alpha * double.ExpM1(-h);
        var result = (sample * Scalar(next.Sigma / level.Sigma)).Plus(samples[0] * Scalar(gain));
        // A last step between equal levels (Karras spacing) does nothing and has no curvature to correct.
        if (samples.Count == 2 && !IsFirstOrder(step) && h > 0)
        {
            var ratio = (level.Lambda - Level(step - 1).Lambda) / h;
            var curvature = Config.SolverType == SolverType.Midpoint ? gain / 2 : next.Alpha * ((double.ExpM1(-h) / h) + 1);
            result = result.Plus((samples[0] - samples[1]) * Scalar(curvature / ratio));
        }
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        samples.Dispose();
        base.Dispose();
    }

    private protected override NoiseLevel Level(int step) => NoiseLevel.FromRatio(sigmas[step]);

    private bool IsFirstOrder(int step)
    {
        var last = step == Timesteps.Count - 1;
        var isShort = Config.LowerOrderFinal && Timesteps.Count < ShortRun;
        return Config.SolverOrder == 1 || (last && (isShort || Config.EulerAtFinal || Config.FinalSigmaIsZero));
    }
}
