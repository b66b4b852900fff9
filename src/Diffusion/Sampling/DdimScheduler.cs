using PromptToPrompt.Diffusion.Storage.Files;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Config of <see cref="DdimScheduler"/>.</summary>
internal sealed record DdimConfig
{
    /// <summary>Whether the step after the last timestep ends at ᾱ = 1 instead of the ᾱ of timestep 0; null for the default, true.</summary>
    public bool? SetAlphaToOne { get; init; }

    /// <summary>Whether the x₀ prediction is clamped. This is meant for pixels, not latents, so it is off by default.</summary>
    public bool ClipSample { get; init; }

    /// <summary>Bound of the clamp.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>Reads DDIM's fields of a <c>scheduler_config.json</c>.</summary>
    public static DdimConfig FromJson(JsonConfig json) => new()
    {
        SetAlphaToOne = json.OptionalFlag("set_alpha_to_one"),
        ClipSample = json.Flag("clip_sample", false),
        ClipSampleRange = json.Positive("clip_sample_range", 1),
    };
}

/// <summary>
/// DDIM (Song et al. 2020, "Denoising Diffusion Implicit Models", equation 12): deterministic unless <see cref="Eta"/> is above 0. Also
/// provides the inverse of the deterministic step.
/// </summary>
internal class DdimScheduler : Scheduler
{
    private readonly int stride;
    private readonly NoiseLevel final;

    /// <summary>Prepares a run of <paramref name="steps"/> steps.</summary>
    /// <exception cref="InvalidInputException">The number of steps is not possible, or the schedule ends in pure noise although the model predicts noise.</exception>
    public DdimScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        Timesteps = TimestepGrid.Create(config, config.TimestepSpacing ?? TimestepSpacing.Leading, steps, includesEnd: true);
        stride = config.Noise.TrainTimesteps / steps;
        final = config.Ddim.SetAlphaToOne ?? true ? new NoiseLevel(1, 0) : Noise.Level(0);
        if (config.PredictionType == PredictionType.Epsilon && Level(0).Alpha == 0)
        {
            throw new InvalidInputException(
                "A model that predicts noise cannot start from pure noise: set rescale_betas_zero_snr to false in its scheduler config, or use leading spacing.");
        }
    }

    /// <summary>η of equation 16: 0 is deterministic, 1 has the variance of DDPM.</summary>
    public double Eta { get; init; }

    /// <summary>
    /// The noise of each step for η above 0, [steps, channels, h, w]; the caller disposes it. A step of deviation 0, such as the last, adds it unscaled.
    /// </summary>
    public Tensor? StepNoise { get; init; }

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var mean = Mean(modelOutput, step, sample);
        var deviation = Deviation(step);
        return (StepNoise is { } noise ? mean.Plus(noise.narrow(0, step, 1) * Scalar(deviation > 0 ? deviation : 1)) : mean).MoveToOuterDisposeScope();
    }

    /// <summary>The result of <see cref="Step"/> before its noise is added.</summary>
    public virtual Tensor Mean(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var clean = PredictSample(modelOutput, step, sample);
        if (Config.Ddim.ClipSample)
            clean = clean.clamp(Scalar(-Config.Ddim.ClipSampleRange), Scalar(Config.Ddim.ClipSampleRange));
        var to = Previous(step);
        var deviation = Deviation(step);
        return (to with { Sigma = Math.Sqrt(Math.Max(0, (to.Sigma * to.Sigma) - (deviation * deviation))) })
            .AddNoise(clean, PredictNoise(modelOutput, step, sample)).MoveToOuterDisposeScope();
    }

    /// <summary>Standard deviation σ of the noise that a step adds (equation 16).</summary>
    public double Deviation(int step)
    {
        var from = Level(step);
        var to = Previous(step);
        var kept = from.Alpha / to.Alpha;
        return from.Sigma == 0 ? 0 : Eta * (to.Sigma / from.Sigma) * Math.Sqrt(Math.Max(0, 1 - (kept * kept)));
    }

    /// <summary>
    /// Takes a sample one step back towards noise: the inverse of <see cref="Step"/>, exactly so for the same noise prediction
    /// (Dhariwal and Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis", appendix F).
    /// </summary>
    /// <param name="modelOutput">The network's output for the sample at <c>Timesteps[step]</c>.</param>
    /// <param name="step">The step to undo; inversion runs from the last step to 0.</param>
    /// <param name="sample">The sample after that step.</param>
    /// <param name="evaluated">
    /// An estimate of the sample before that step, at which the network was evaluated; null if it was evaluated at <paramref name="sample"/>. Only a velocity depends on it.
    /// </param>
    /// <returns>The sample before that step.</returns>
    public Tensor InverseStep(Tensor modelOutput, int step, Tensor sample, Tensor? evaluated = null)
    {
        using var scope = NewDisposeScope();
        if (evaluated is not null)
        {
            // The noise of the estimate, at its own level, is the one that Step would predict there.
            var predicted = PredictNoise(modelOutput, step, evaluated);
            return Level(step).AddNoise(Previous(step).PredictSample(PredictionType.Epsilon, predicted, sample), predicted).MoveToOuterDisposeScope();
        }

        // The network is evaluated at the timestep being returned to, but the sample still has the noise level that it comes from.
        var from = Previous(step);
        var clean = from.PredictSample(Config.PredictionType, modelOutput, sample);
        var noise = from.PredictNoise(Config.PredictionType, modelOutput, sample);
        return Level(step).AddNoise(clean, noise).MoveToOuterDisposeScope();
    }

    /// <summary>The level that a step leads to. The stride is an integer in every spacing; below timestep 0 is the final level.</summary>
    private protected NoiseLevel Previous(int step)
    {
        var timestep = Timesteps[step] - stride;
        return timestep >= 0 ? Noise.Level(timestep) : final;
    }
}
