using PromptToPrompt.Diffusion.Storage.Files;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Config of <see cref="EulerDiscreteScheduler"/>.</summary>
internal sealed record EulerConfig
{
    /// <summary>Whether to use the noise levels of Karras et al. 2022.</summary>
    public bool UseKarrasSigmas { get; init; }

    /// <summary>Reads the fields of Euler's method of a <c>scheduler_config.json</c>.</summary>
    public static EulerConfig FromJson(JsonConfig json) => new() { UseKarrasSigmas = json.Flag("use_karras_sigmas", false) };
}

/// <summary>
/// Euler's method on the probability-flow equation (Karras et al. 2022, algorithm 2 without churn). Samples are kept as x_0 + σ·ε, so their
/// variance shrinks during the run; <see cref="ScaleModelInput"/> scales them to the network's expected variance.
/// </summary>
/// <remarks>
/// Timesteps are integers, as in training; a spacing between two integers uses the nearer timestep and its noise level.
/// </remarks>
internal class EulerDiscreteScheduler : Scheduler
{
    private readonly double[] sigmas;

    /// <summary>Prepares a run of <paramref name="steps"/> steps.</summary>
    /// <exception cref="InvalidInputException">The number of steps is not possible.</exception>
    public EulerDiscreteScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        Timesteps = TimestepGrid.Create(config, config.TimestepSpacing ?? TimestepSpacing.Linspace, steps, includesEnd: true);
        double[] ratios = [.. Timesteps.Select(Noise.Ratio)];
        if (config.Euler.UseKarrasSigmas)
        {
            ratios = SigmaGrid.Karras(ratios[0], ratios[^1], steps);
            Timesteps = [.. ratios.Select(ratio => SigmaGrid.Timestep(Noise, ratio))];
        }
        sigmas = [.. ratios, 0];
    }

    /// <summary>The noise level at each step, with 0 at the end, as ratios σ/α.</summary>
    public IReadOnlyList<double> Sigmas => sigmas;

    /// <summary>The noise level at the first step; with leading spacing, which starts below pure noise, the standard deviation of the whole sample.</summary>
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
