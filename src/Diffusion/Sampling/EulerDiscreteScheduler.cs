using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Euler's method on the probability-flow equation (Karras et al. 2022, algorithm 2 without churn). Samples are kept as x_0 + σ·ε, so their
/// variance shrinks on the way; <see cref="ScaleModelInput"/> gives the network what it knows.
/// </summary>
/// <remarks>
/// Timesteps are whole numbers, as in training; where a spacing falls between two, the nearer one and its noise are taken.
/// </remarks>
internal class EulerDiscreteScheduler : Scheduler
{
    private readonly double[] sigmas;

    /// <summary>Prepares a run of <paramref name="steps"/> steps.</summary>
    /// <exception cref="InvalidInputException">So many steps are not possible.</exception>
    public EulerDiscreteScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        Timesteps = TimestepGrid.Create(config, config.TimestepSpacing ?? TimestepSpacing.Linspace, steps, includesEnd: true);
        double[] ratios = [.. Timesteps.Select(Noise.Ratio)];
        if (config.UseKarrasSigmas)
        {
            ratios = SigmaGrid.Karras(ratios[0], ratios[^1], steps);
            Timesteps = [.. ratios.Select(ratio => SigmaGrid.Timestep(Noise, ratio))];
        }
        sigmas = [.. ratios, 0];
    }

    /// <summary>The noise of each step, and 0 at the end, as ratios σ/α.</summary>
    public IReadOnlyList<double> Sigmas => sigmas;

    /// <summary>The noise at the first step; with leading spacing, which starts below pure noise, that of the sample as a whole.</summary>
    public override double InitialNoiseSigma =>
        Config.TimestepSpacing == TimestepSpacing.Leading ? Math.Sqrt((sigmas[0] * sigmas[0]) + 1) : sigmas[0];

    /// <inheritdoc/>
    public override Tensor ScaleModelInput(Tensor sample, int step) => sample * Scalar(Level(step).Alpha);

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var slope = (sample - PredictSample(modelOutput, step, sample)) / Scalar(sigmas[step]);
        return sample.Plus(slope * Scalar(sigmas[step + 1] - sigmas[step])).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor AddNoise(Tensor sample, Tensor noise, long timestep)
    {
        using var scaled = noise * Scalar(Noise.Ratio(timestep));
        return sample.Plus(scaled);
    }

    private protected override NoiseLevel Level(int step) => NoiseLevel.FromRatio(sigmas[step]);
}
