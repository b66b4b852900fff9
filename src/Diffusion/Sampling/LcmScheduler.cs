using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Sampling of latent consistency models (Luo et al. 2023, arXiv 2310.04378, algorithm 3), which were distilled to jump from any of a few dozen
/// timesteps to the clean sample: each step jumps there, and noise is added to come to the next timestep. Two to eight steps are usual.
/// </summary>
internal sealed class LcmScheduler : Scheduler
{
    // σ_data of the boundary condition (Song et al. 2023, "Consistency Models", appendix C).
    private const double DataSigma = 0.5;

    private readonly StepNoise noise;

    /// <summary>Prepares a run.</summary>
    /// <param name="config">The model's noise.</param>
    /// <param name="steps">Number of steps, at most that of the timesteps that the model was distilled on.</param>
    /// <param name="seed">Seed of the noise that is added.</param>
    /// <exception cref="InvalidInputException">So many steps are not possible.</exception>
    public LcmScheduler(SchedulerConfig config, int steps, ulong seed)
        : base(config)
    {
        var known = config.OriginalInferenceSteps;
        if (steps < 1 || steps > known)
            throw new InvalidInputException("Steps", $"{steps} is out of range for lcm.", $"Use a number from 1 to {known}; 4 to 8 are usual.");
        // Of the timesteps of training, from the noisiest, as many at equal distances (rounded down) as there are steps.
        var stride = config.TrainTimesteps / known;
        Timesteps = [.. Enumerable.Range(0, steps).Select(i => ((known - (long)Math.Floor((double)i * known / steps)) * stride) - 1)];
        noise = new StepNoise(seed);
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var clean = PredictSample(modelOutput, step, sample);
        if (Config.ClipSample)
            clean = clean.clamp(Scalar(-Config.ClipSampleRange), Scalar(Config.ClipSampleRange));
        // The share of the network's answer falls to 0 at timestep 0, where a sample is its own clean one.
        var time = Timesteps[step] * Config.TimestepScaling;
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
