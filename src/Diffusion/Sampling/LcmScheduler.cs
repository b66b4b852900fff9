using PromptToPrompt.Diffusion.Storage.Files;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Config of <see cref="LcmScheduler"/>.</summary>
internal sealed record LcmConfig
{
    /// <summary>Number of timesteps used in the distillation.</summary>
    public int OriginalInferenceSteps { get; init; } = 50;

    /// <summary>Scale of the timesteps in the boundary condition.</summary>
    public double TimestepScaling { get; init; } = 10;

    /// <summary>Whether the x₀ prediction is clamped. This is meant for pixels, not latents, so it is off by default.</summary>
    public bool ClipSample { get; init; }

    /// <summary>Bound of the clamp.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>Reads the fields of latent consistency sampling of a <c>scheduler_config.json</c>.</summary>
    /// <param name="json">The file.</param>
    /// <param name="trainTimesteps">Number of training timesteps: the limit for those of the distillation.</param>
    public static LcmConfig FromJson(JsonConfig json, int trainTimesteps)
    {
        const string Field = "original_inference_steps";
        var steps = json.Integer(Field, Math.Min(50, trainTimesteps));
        if (steps < 1 || steps > trainTimesteps)
            throw json.Error(Field, $"must be from 1 to {trainTimesteps}");
        return new LcmConfig
        {
            OriginalInferenceSteps = steps,
            TimestepScaling = json.Positive("timestep_scaling", 10),
            ClipSample = json.Flag("clip_sample", false),
            ClipSampleRange = json.Positive("clip_sample_range", 1),
        };
    }
}

/// <summary>
/// Scheduler for latent consistency models (Luo et al. 2023, arXiv 2310.04378, algorithm 3), which were distilled to jump from any of a few dozen
/// timesteps to the clean sample. Each step makes that jump and adds noise to reach the next timestep. Two to eight steps are typical.
/// </summary>
internal sealed class LcmScheduler : Scheduler
{
    // σ_data of the boundary condition (Song et al. 2023, "Consistency Models", appendix C).
    private const double DataSigma = 0.5;

    private readonly StepNoise noise;

    /// <summary>Prepares a run.</summary>
    /// <param name="config">The scheduler config.</param>
    /// <param name="steps">Number of steps, at most the number of timesteps used in distillation.</param>
    /// <param name="seed">Seed of the added noise.</param>
    /// <exception cref="InvalidInputException">The number of steps is not possible.</exception>
    public LcmScheduler(SchedulerConfig config, int steps, ulong seed)
        : base(config)
    {
        var known = config.Lcm.OriginalInferenceSteps;
        if (steps < 1 || steps > known)
            throw new InvalidInputException("Steps", $"{steps} is out of range for lcm.", $"Use a number from 1 to {known}; 4 to 8 are typical.");
        // Selects evenly spaced timesteps (rounded down) from those of the distillation, starting at the noisiest.
        var stride = config.Noise.TrainTimesteps / known;
        Timesteps = [.. Enumerable.Range(0, steps).Select(i => ((known - (long)Math.Floor((double)i * known / steps)) * stride) - 1)];
        noise = new StepNoise(seed);
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var clean = PredictSample(modelOutput, step, sample);
        if (Config.Lcm.ClipSample)
            clean = clean.clamp(Scalar(-Config.Lcm.ClipSampleRange), Scalar(Config.Lcm.ClipSampleRange));
        // The weight of the network's prediction falls to 0 at timestep 0, where the sample is already clean.
        var time = Timesteps[step] * Config.Lcm.TimestepScaling;
        var spread = (time * time) + (DataSigma * DataSigma);
        var jumped = (clean * Scalar(time / Math.Sqrt(spread))).Plus(sample * Scalar(DataSigma * DataSigma / spread));
        return (step + 1 == Timesteps.Count ? jumped : Noise.Level(Timesteps[step + 1]).AddNoise(jumped, noise.Of(step, sample))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        noise.Dispose();
        base.Dispose();
    }
}
