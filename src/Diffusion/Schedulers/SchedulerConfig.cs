using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Checkpoints;

namespace PromptToPrompt.Diffusion.Schedulers;

/// <summary>
/// How a model was noised in training and how it is best sampled: the content of a model directory's
/// <c>scheduler/scheduler_config.json</c>, with that format's defaults for what is missing.
/// </summary>
public sealed record SchedulerConfig
{
    private static readonly (string Name, BetaSchedule Value)[] BetaSchedules =
    [
        ("linear", BetaSchedule.Linear),
        ("scaled_linear", BetaSchedule.ScaledLinear),
        ("squaredcos_cap_v2", BetaSchedule.SquaredCosine),
    ];

    private static readonly (string Name, PredictionType Value)[] PredictionTypes =
    [
        ("epsilon", PredictionType.Epsilon),
        ("v_prediction", PredictionType.VPrediction),
        ("sample", PredictionType.Sample),
    ];

    private static readonly (string Name, TimestepSpacing Value)[] TimestepSpacings =
    [
        ("leading", Schedulers.TimestepSpacing.Leading),
        ("trailing", Schedulers.TimestepSpacing.Trailing),
        ("linspace", Schedulers.TimestepSpacing.Linspace),
    ];

    /// <summary>The class the config was written for, such as <c>PNDMScheduler</c>.</summary>
    public string? ClassName { get; init; }

    /// <summary>Number of timesteps in training.</summary>
    public int TrainTimesteps { get; init; } = 1000;

    /// <summary>β of the first timestep.</summary>
    public double BetaStart { get; init; } = 0.0001;

    /// <summary>β of the last timestep.</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>How β grows in between.</summary>
    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.Linear;

    /// <summary>All β, where they follow no formula; null otherwise.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether the schedule is rescaled to end in pure noise.</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>What the network predicts.</summary>
    public PredictionType PredictionType { get; init; } = PredictionType.Epsilon;

    /// <summary>Which timesteps a run visits; null for the sampler's own default (DPM-Solver++ and Euler linspace, the others leading).</summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Added to each timestep of the leading spacing.</summary>
    public int StepsOffset { get; init; }

    /// <summary>
    /// Whether the step after the last timestep ends at ᾱ = 1 rather than at that of timestep 0; null for the sampler's own default (DDIM yes,
    /// PNDM no).
    /// </summary>
    public bool? SetAlphaToOne { get; init; }

    /// <summary>
    /// Whether DDIM clamps the predicted clean sample. That is meant for pixels, not latents, so it is off where a config does not say.
    /// </summary>
    public bool ClipSample { get; init; }

    /// <summary>Bound of that clamp.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>Whether PNDM leaves out its Runge-Kutta start; null where the config does not say.</summary>
    public bool? SkipPrkSteps { get; init; }

    /// <summary>Whether DPM-Solver++ and Euler step through the noise levels of Karras et al. 2022.</summary>
    public bool UseKarrasSigmas { get; init; }

    /// <summary>Form of DPM-Solver.</summary>
    public string AlgorithmType { get; init; } = DpmSolverMultistepScheduler.SupportedAlgorithm;

    /// <summary>Order of DPM-Solver++: 1 or 2.</summary>
    public int SolverOrder { get; init; } = 2;

    /// <summary>Second-order form of DPM-Solver++.</summary>
    public SolverType SolverType { get; init; } = SolverType.Midpoint;

    /// <summary>Whether DPM-Solver++ ends runs of fewer than 15 steps with a first-order step, which is steadier.</summary>
    public bool LowerOrderFinal { get; init; } = true;

    /// <summary>Whether DPM-Solver++ ends runs of any length with a first-order step.</summary>
    public bool EulerAtFinal { get; init; }

    /// <summary>Whether DPM-Solver++ ends without noise rather than at the noise of timestep 0.</summary>
    public bool FinalSigmaIsZero { get; init; }

    /// <summary>Number of timesteps that a latent consistency model was distilled on.</summary>
    public int OriginalInferenceSteps { get; init; } = 50;

    /// <summary>What latent consistency sampling multiplies timesteps by in its boundary condition.</summary>
    public double TimestepScaling { get; init; } = 10;

    /// <summary>The sampler the model names as its own, or null where this library does not have it.</summary>
    public SamplerKind? PreferredSampler => SamplerNames.FromClassName(ClassName);

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or has a value that this library cannot compute with.</exception>
    public static SchedulerConfig FromFile(string path) => FromJson(JsonConfig.Read(path));

    internal static SchedulerConfig FromJson(JsonConfig json)
    {
        // Each of these changes the result, so passing over it would give another picture than the model's authors saw.
        foreach (var option in (string[])["thresholding", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "use_flow_sigmas"])
            json.Expect(option, false);
        json.Expect("interpolation_type", "linear");

        var trainTimesteps = json.Integer("num_train_timesteps", 1000);
        if (trainTimesteps is < 2 or > JsonConfig.LargestSize)
            throw json.Error("num_train_timesteps", $"must be at least 2 and at most {JsonConfig.LargestSize}");
        var trainedBetas = json.Has("trained_betas") ? json.Numbers("trained_betas") : null;
        if (trainedBetas is not null && trainedBetas.Count != trainTimesteps)
            throw json.Error("trained_betas", $"must have one number for each of the {trainTimesteps} timesteps");
        if (trainedBetas?.All(IsBeta) == false)
            throw json.Error("trained_betas", "must have numbers from 0 to below 1");
        return new SchedulerConfig
        {
            ClassName = json.Text("_class_name", ""),
            TrainTimesteps = trainTimesteps,
            BetaStart = Beta(json, "beta_start", 0.0001),
            BetaEnd = Beta(json, "beta_end", 0.02),
            BetaSchedule = Choice(json, "beta_schedule", BetaSchedule.Linear, BetaSchedules),
            TrainedBetas = trainedBetas,
            RescaleBetasZeroSnr = json.Flag("rescale_betas_zero_snr", false),
            PredictionType = Choice(json, "prediction_type", PredictionType.Epsilon, PredictionTypes),
            TimestepSpacing = json.Has("timestep_spacing")
                ? Choice(json, "timestep_spacing", Schedulers.TimestepSpacing.Leading, TimestepSpacings)
                : null,
            StepsOffset = json.Integer("steps_offset", 0),
            SetAlphaToOne = OptionalFlag(json, "set_alpha_to_one"),
            ClipSample = json.Flag("clip_sample", false),
            ClipSampleRange = json.Positive("clip_sample_range", 1),
            SkipPrkSteps = OptionalFlag(json, "skip_prk_steps"),
            UseKarrasSigmas = json.Flag("use_karras_sigmas", false),
            AlgorithmType = json.Text("algorithm_type", DpmSolverMultistepScheduler.SupportedAlgorithm),
            SolverOrder = json.Integer("solver_order", 2),
            SolverType = Choice(
                json,
                "solver_type",
                SolverType.Midpoint,
                ("midpoint", SolverType.Midpoint),
                ("heun", SolverType.Heun)),
            LowerOrderFinal = json.Flag("lower_order_final", true),
            EulerAtFinal = json.Flag("euler_at_final", false),
            OriginalInferenceSteps = OriginalSteps(json, trainTimesteps),
            TimestepScaling = json.Positive("timestep_scaling", 10),
            FinalSigmaIsZero = Choice(json, "final_sigmas_type", false, ("sigma_min", false), ("zero", true)),
        };
    }

    /// <summary>Prepares one run.</summary>
    /// <param name="kind">The algorithm.</param>
    /// <param name="steps">Number of denoising steps, at least 1. PNDM evaluates the network once more than that.</param>
    /// <param name="seed">Seed of the noise that stochastic algorithms add.</param>
    /// <exception cref="InvalidInputException">The algorithm cannot take that many steps, or cannot be used with this config.</exception>
    public Scheduler Create(SamplerKind kind, int steps, ulong seed = 0) => kind switch
    {
        SamplerKind.Ddim => new DdimScheduler(this, steps),
        SamplerKind.Pndm => new PndmScheduler(this, steps),
        SamplerKind.DpmSolverPlusPlus => new DpmSolverMultistepScheduler(this, steps),
        SamplerKind.Euler => new EulerDiscreteScheduler(this, steps),
        SamplerKind.EulerAncestral => new EulerAncestralDiscreteScheduler(this, steps, seed),
        SamplerKind.Lcm => new LcmScheduler(this, steps, seed),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The content of a <c>scheduler_config.json</c> that reads as this, as far as single files and trained models say.</summary>
    internal JsonObject ToJson() => new()
    {
        ["_class_name"] = ClassName,
        ["num_train_timesteps"] = TrainTimesteps,
        ["beta_start"] = BetaStart,
        ["beta_end"] = BetaEnd,
        ["beta_schedule"] = Array.Find(BetaSchedules, known => known.Value == BetaSchedule).Name,
        ["rescale_betas_zero_snr"] = RescaleBetasZeroSnr,
        ["prediction_type"] = Array.Find(PredictionTypes, known => known.Value == PredictionType).Name,
        ["timestep_spacing"] = TimestepSpacing is { } spacing ? Array.Find(TimestepSpacings, known => known.Value == spacing).Name : null,
        ["steps_offset"] = StepsOffset,
        ["set_alpha_to_one"] = SetAlphaToOne,
        ["clip_sample"] = ClipSample,
        ["skip_prk_steps"] = SkipPrkSteps,
    };

    private static bool IsBeta(double beta) => beta is >= 0 and < 1;

    private static double Beta(JsonConfig json, string field, double fallback) =>
        json.Number(field, fallback) is var beta && IsBeta(beta) ? beta : throw json.Error(field, $"is {beta}; a variance is from 0 to below 1");

    private static int OriginalSteps(JsonConfig json, int trainTimesteps)
    {
        const string Field = "original_inference_steps";
        var steps = json.Integer(Field, Math.Min(50, trainTimesteps));
        return steps >= 1 && steps <= trainTimesteps ? steps : throw json.Error(Field, $"must be from 1 to {trainTimesteps}");
    }

    private static bool? OptionalFlag(JsonConfig json, string field) => json.Has(field) ? json.Flag(field) : null;

    private static T Choice<T>(JsonConfig json, string field, T fallback, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        if (!json.Has(field))
            return fallback;
        var text = json.Text(field);
        var names = new List<string>();
        foreach ((var name, var value) in choices)
        {
            if (name == text)
                return value;
            names.Add(name);
        }
        throw json.Error(field, $"is \"{text}\"; this program knows {string.Join(", ", names)}");
    }
}
