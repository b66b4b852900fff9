using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2023, arXiv 2304.06140): the image is noised to every level independently.
/// The noise that DDPM steps between those levels would have needed is computed and kept. It holds the image's structure, so edits that
/// add the same noise keep it.
/// </summary>
/// <remarks>
/// With few steps this noise is not what the network expects. TurboEdit (Deutch et al. 2024, arXiv 2408.00735) therefore noises the image to an earlier timestep than the
/// one given to the network and the scheduler, and bounds the noise of the last step. With n_t = x_(t−1) − μ_t(x_t), where μ_t is the mean of the step from x_t:
/// <code>
/// (1)  x_t = α_(t−Δ)·x_0 + σ_(t−Δ)·ε_t,  or x_0 if t ≤ Δ
/// (2)  n_t·min(1, ν/‖n_t‖) in place of n_t at the last step
/// </code>
/// </remarks>
public sealed record EditFriendlyInversion : InversionMethod
{
    // The size of latents that the limit is stated for: SDXL-Turbo's.
    private const int ReferenceLatentSize = 4 * 64 * 64;
    private const double SourceGuidance = 3.5;

    /// <inheritdoc/>
    public override string Name => "edit-friendly";

    /// <summary>Fraction of the steps that edits skip at the start, which keeps the image's coarse structure; from 0 to below 1.</summary>
    public double Skip { get; init; } = 0.36;

    /// <summary>
    /// Δ in steps, from 0 to the number of steps. Above 0 the inversion has no guidance unless it is set, and the last step adds noise too.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double NoiseShift { get; init; }

    /// <summary>
    /// ν, at least 0, for latents of 4·64·64 numbers, which are SDXL-Turbo's; it grows with the square root of their number. Null for no limit.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? NoiseLimit { get; init; }

    /// <summary>Whether the steps are those of SDE-DPM-Solver++ of second order (Brack et al. 2024, arXiv 2311.16711), instead of DDPM's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SecondOrder { get; init; }

    /// <summary>Whether the inversion takes the empty prompt, which is guidance 0, unless guidance is set.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WithoutPrompt { get; init; }

    internal override bool ImprovesOnDdim => false;

    internal override bool UsesSeed => true;

    internal override void Validate(InversionSettings settings)
    {
        RequireRange(Skip is >= 0 and < 1, Skip, nameof(Skip), "Use a number from 0 to below 1.");
        RequireRange(NoiseShift, 0.0, settings.Sampling.Steps, nameof(NoiseShift));
        if (NoiseLimit is { } limit)
            RequireRange(limit >= 0 && double.IsFinite(limit), limit, nameof(NoiseLimit), "Use a number from 0.");
    }

    internal override InvertedImage Invert(InversionRun run)
    {
        using var scheduler = CreateScheduler(run.Config, run.Steps, noise: null);
        using var generator = new Generator(run.Settings.Sampling.Seed, CPU);
        var guidance = GuidanceOf(run.Settings);
        var shift = (long)Math.Round(NoiseShift * scheduler.Config.Noise.TrainTimesteps / run.Steps);
        var source = new List<Tensor>();
        foreach (var timestep in scheduler.Timesteps)
        {
            using var noise = randn(run.ImageLatents.shape, device: CPU, generator: generator);
            source.Add(timestep <= shift ? run.ImageLatents : scheduler.AddNoise(run.ImageLatents, noise.to(run.Model.Device), timestep - shift));
        }

        source.Add(run.ImageLatents);
        var steps = new List<Tensor>();
        for (var step = 0; step < run.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var mean = scheduler.Mean(run.Predict(source[step], step, guidance), step, source[step]);
            var noise = source[step + 1] - mean;
            if (step == run.Steps - 1 && NoiseLimit is { } limit)
                noise = noise * Scalar(Math.Min(1, limit * Math.Sqrt((double)noise.numel() / ReferenceLatentSize) / noise.norm().item<float>()));
            var deviation = scheduler.Deviation(step);
            // Without a shift, a last step of deviation 0 adds no noise; the source still ends at the image, because its trajectory is known.
            steps.Add((deviation > 0 ? noise / Scalar(deviation) : NoiseShift > 0 ? noise : zeros_like(noise)).MoveToOuterDisposeScope());
            run.Report("inverting", step + 1);
        }

        var trajectory = cat([.. source], 0);
        return new(run.Settings, trajectory.flip(0), trajectory) { StepNoise = InvertedImage.Own(cat([.. steps], 0)), FinishedSteps = run.Steps };
    }

    /// <summary>The guidance of an inversion by this method.</summary>
    internal double GuidanceOf(InversionSettings settings) => settings.InversionGuidance ?? (WithoutPrompt ? 0 : NoiseShift > 0 ? 1 : SourceGuidance);

    internal override int FirstStep(int steps) => (int)(Skip * steps);

    internal override Scheduler CreateScheduler(SchedulerConfig config, InvertedImage inverted)
        => CreateScheduler(config, inverted.Settings.Sampling.Steps, inverted.StepNoise);

    private DdimScheduler CreateScheduler(SchedulerConfig config, int steps, Tensor? noise) => SecondOrder
        ? new SdeDpmSolverScheduler(config, steps) { FirstStep = FirstStep(steps), StepNoise = noise }
        : new DdimScheduler(config, steps) { Eta = 1, StepNoise = noise };
}
