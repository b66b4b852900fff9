using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// One run of a sampling algorithm: takes a sample from noise to image along <see cref="Timesteps"/>.
/// </summary>
/// <remarks>
/// The step is an explicit index. Multistep algorithms keep data between calls; their steps must be taken in order, and step 0 starts
/// a new run. The caller owns returned tensors; tensors passed in are neither changed nor disposed.
/// </remarks>
internal abstract class Scheduler : IDisposable
{
    private protected Scheduler(SchedulerConfig config)
    {
        Config = config;
        Noise = NoiseSchedule.Create(config.Noise);
    }

    /// <summary>The scheduler config of the run.</summary>
    internal SchedulerConfig Config { get; }

    /// <summary>The noise level of every training timestep.</summary>
    internal NoiseSchedule Noise { get; }

    /// <summary>The timestep of each network evaluation, from noise to image.</summary>
    public IReadOnlyList<long> Timesteps { get; private protected init; } = [];

    /// <summary>Scale factor for initial noise of variance 1.</summary>
    public virtual double InitialNoiseSigma => 1;

    /// <summary>The network's input for a sample: the sample scaled to α² + σ² = 1.</summary>
    public virtual Tensor ScaleModelInput(Tensor sample, int step) => sample.alias();

    /// <summary>Takes one step from a sample.</summary>
    /// <param name="modelOutput">The network's output at <c>Timesteps[step]</c>, including guidance.</param>
    /// <param name="step">Index into <see cref="Timesteps"/>.</param>
    /// <param name="sample">The sample at that step.</param>
    public abstract Tensor Step(Tensor modelOutput, int step, Tensor sample);

    /// <summary>Converts the network's output at a step to the x₀ prediction.</summary>
    public Tensor PredictSample(Tensor modelOutput, int step, Tensor sample)
    {
        using var scaled = ScaleModelInput(sample, step);
        return Level(step).PredictSample(Config.PredictionType, modelOutput, scaled);
    }

    /// <summary>Converts the network's output at a step to the predicted noise.</summary>
    public Tensor PredictNoise(Tensor modelOutput, int step, Tensor sample)
    {
        using var scaled = ScaleModelInput(sample, step);
        return Level(step).PredictNoise(Config.PredictionType, modelOutput, scaled);
    }

    /// <summary>Noises a clean sample to a timestep, in this algorithm's scale.</summary>
    /// <param name="sample">The clean sample x_0.</param>
    /// <param name="noise">Noise of variance 1, of the same shape.</param>
    /// <param name="timestep">A training timestep, not a step of the run.</param>
    public virtual Tensor AddNoise(Tensor sample, Tensor noise, long timestep) => Noise.Level(timestep).AddNoise(sample, noise);

    /// <summary>Disposes the data kept from earlier steps.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>The noise level of the sample at a step.</summary>
    private protected virtual NoiseLevel Level(int step) => Noise.Level(Timesteps[step]);
}
