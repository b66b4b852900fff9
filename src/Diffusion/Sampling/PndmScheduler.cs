using PromptToPrompt.Diffusion.Storage.Files;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Config of <see cref="PndmScheduler"/>.</summary>
internal sealed record PndmConfig
{
    /// <summary>Whether the step after the last timestep ends at ᾱ = 1 instead of the ᾱ of timestep 0; null for the default, false.</summary>
    public bool? SetAlphaToOne { get; init; }

    /// <summary>Whether the Runge-Kutta warm-up is skipped; null if the config does not specify it.</summary>
    public bool? SkipPrkSteps { get; init; }

    /// <summary>Reads PNDM's fields of a <c>scheduler_config.json</c>.</summary>
    public static PndmConfig FromJson(JsonConfig json) => new()
    {
        SetAlphaToOne = json.OptionalFlag("set_alpha_to_one"),
        SkipPrkSteps = json.OptionalFlag("skip_prk_steps"),
    };
}

/// <summary>
/// Pseudo linear multistep sampling (Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds"), in the form used by
/// Stable Diffusion 1.x: without the Runge-Kutta warm-up. The second timestep is evaluated twice instead, so N steps need N + 1 evaluations.
/// </summary>
internal sealed class PndmScheduler : Scheduler
{
    private const int Order = 4;

    private readonly int stride;
    private readonly NoiseLevel final;
    private readonly StepHistory noises = new(Order);
    private Tensor? start;

    /// <summary>Prepares a run of <paramref name="steps"/> steps.</summary>
    /// <exception cref="InvalidInputException">The number of steps is not possible, or the config needs an unsupported variant.</exception>
    public PndmScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        if (config.Pndm.SkipPrkSteps == false)
            throw new InvalidInputException("Scheduler", "The scheduler config asks for PNDM with Runge-Kutta steps (skip_prk_steps false), which is not supported.", "Use ddim.");
        var grid = TimestepGrid.Create(config, config.TimestepSpacing ?? TimestepSpacing.Leading, steps, includesEnd: true);
        Timesteps = steps == 1 ? grid : [grid[0], grid[1], .. grid[1..]];
        if (Level(0).Alpha == 0)
            throw new InvalidInputException("Scheduler", "PNDM cannot start from pure noise (rescale_betas_zero_snr in the scheduler config).", "Use ddim.");
        stride = config.Noise.TrainTimesteps / steps;
        final = config.Pndm.SetAlphaToOne ?? false ? new NoiseLevel(1, 0) : Noise.Level(0);
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        noises.Begin(step);
        using var scope = NewDisposeScope();
        if (step == 0)
            Keep(sample);

        // The repeated evaluation redoes the first step with the mean of both predictions (Heun's rule); its own prediction is not stored.
        var repeated = step == 1;
        if (!repeated)
            noises.Push(modelOutput.detach());
        var combined = repeated
            ? modelOutput.Plus(noises[0]) / Scalar(2)
            : noises.Count switch
            {
                1 => modelOutput,
                2 => ((noises[0] * Scalar(3)) - noises[1]) / Scalar(2),
                3 => ((noises[0] * Scalar(23)) - (noises[1] * Scalar(16))).Plus(noises[2] * Scalar(5)) / Scalar(12),
                _ => (((noises[0] * Scalar(55)) - (noises[1] * Scalar(59))).Plus(noises[2] * Scalar(37)) - (noises[3] * Scalar(9))) / Scalar(24),
            };
        var from = repeated ? start! : sample;
        var timestep = repeated ? Timesteps[step] + stride : Timesteps[step];
        return Transfer(combined, timestep, from).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        noises.Dispose();
        start?.Dispose();
        start = null;
        base.Dispose();
    }

    /// <summary>The paper's transfer (equation 9), a DDIM step in a form that returns the sample for equal levels.</summary>
    private Tensor Transfer(Tensor modelOutput, long timestep, Tensor sample)
    {
        var level = Noise.Level(timestep);
        var next = timestep - stride >= 0 ? Noise.Level(timestep - stride) : final;
        // The network's raw outputs are combined; they are converted to noise at the level where they are used.
        var noise = level.PredictNoise(Config.PredictionType, modelOutput, sample);
        double a = level.Alpha * level.Alpha, b = next.Alpha * next.Alpha;
        var denominator = (a * next.Sigma) + (level.Alpha * level.Sigma * next.Alpha);
        return (sample * Scalar(next.Alpha / level.Alpha)) - (noise * Scalar((b - a) / denominator));
    }

    private void Keep(Tensor sample)
    {
        start?.Dispose();
        start = sample.detach().DetachFromDisposeScope();
    }
}
