using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The noise schedule of a model and its recommended sampler: the content of a model directory's
/// <c>scheduler/scheduler_config.json</c>, with that format's defaults for missing fields.
/// </summary>
public sealed record SchedulerConfig
{
    private static readonly (string Name, BetaSchedule Value)[] BetaSchedules =
    [
        ("linear", BetaSchedule.Linear),
        ("scaled_linear", BetaSchedule.ScaledLinear),
        ("squaredcos_cap_v2", BetaSchedule.SquaredCosine),
    ];

    // Scheduler classes whose networks do not predict noise, velocity or the sample at a discrete timestep.
    private static readonly (string Part, string What)[] OtherKinds =
    [
        ("FlowMatch", "flow matching"), ("Flow", "flow matching"), ("RectifiedFlow", "flow matching"), ("SCMScheduler", "flow matching"),
        ("EDM", "the preconditioning of EDM"), ("KarrasVe", "the preconditioning of EDM"), ("CosineDPMSolver", "the preconditioning of EDM"),
        ("CMStochasticIterative", "consistency training from EDM"), ("ConsistencyDecoder", "consistency training of an autoencoder"),
        ("ScoreSde", "score matching in continuous time"), ("IPNDM", "a custom noise schedule"), ("UnCLIP", "predicting embeddings"),
        ("Wuerstchen", "a custom noise schedule"), ("CogVideoX", "a noise schedule of video models"),
        ("VQDiffusion", "discrete tokens"), ("Amused", "discrete tokens"),
    ];

    // Fields that change the computation, with the only supported value.
    private static readonly (string Field, object? Value)[] Fixed =
    [
        ("interpolation_type", "linear"),
        ("predict_epsilon", true),
        ("sigma_max", null),
        ("sigma_min", null),
        ("thresholding", false),
        ("timestep_type", "discrete"),
        ("timestep_values", null),
        ("use_beta_sigmas", false),
        ("use_dynamic_shifting", false),
        ("use_exponential_sigmas", false),
        ("use_flow_sigmas", false),
        ("use_lu_lambdas", false),
    ];

    // Fields without effect: options of features that are rejected if switched on, and the array layout of old versions.
    private static readonly HashSet<string> Harmless =
    [
        .. JsonConfig.Bookkeeping, "dynamic_thresholding_ratio", "sample_max_value", "flow_shift", "time_shift_type", "tensor_format",
    ];

    // Fields of samplers that are replaced by another one; the user is warned of the replacement.
    private static readonly HashSet<string> OfReplaced =
    [
        .. Harmless, "predict_x0", "disable_corrector", "solver_p", "noise_sampler_seed", "use_stochastic_sampling", "tau_func", "predictor_order", "corrector_order",
    ];

    private static readonly (string Name, PredictionType Value)[] PredictionTypes =
    [
        ("epsilon", PredictionType.Epsilon),
        ("v_prediction", PredictionType.VPrediction),
        ("sample", PredictionType.Sample),
    ];

    private static readonly (string Name, TimestepSpacing Value)[] TimestepSpacings =
    [
        ("leading", Diffusion.Sampling.TimestepSpacing.Leading),
        ("trailing", Diffusion.Sampling.TimestepSpacing.Trailing),
        ("linspace", Diffusion.Sampling.TimestepSpacing.Linspace),
    ];

    /// <summary>The scheduler class that the config was written for, such as <c>PNDMScheduler</c>.</summary>
    public string? ClassName { get; init; }

    /// <summary>Number of training timesteps.</summary>
    public int TrainTimesteps { get; init; } = 1000;

    /// <summary>β of the first timestep.</summary>
    public double BetaStart { get; init; } = 0.0001;

    /// <summary>β of the last timestep.</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>Growth of β in between.</summary>
    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.Linear;

    /// <summary>All β values, if the schedule is not given by a formula; null otherwise.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether the schedule is rescaled to end in pure noise.</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>The network's prediction type.</summary>
    public PredictionType PredictionType { get; init; } = PredictionType.Epsilon;

    /// <summary>Spacing of a run's timesteps; null for the sampler's default (linspace for DPM-Solver++ and Euler, leading for the others).</summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Offset added to each timestep of the leading spacing.</summary>
    public int StepsOffset { get; init; }

    /// <summary>
    /// Whether the step after the last timestep ends at ᾱ = 1 instead of the ᾱ of timestep 0; null for the sampler's default (true for DDIM,
    /// false for PNDM).
    /// </summary>
    public bool? SetAlphaToOne { get; init; }

    /// <summary>
    /// Whether DDIM clamps the x₀ prediction. This is meant for pixels, not latents, so it is off by default.
    /// </summary>
    public bool ClipSample { get; init; }

    /// <summary>Bound of the clamp.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>Whether PNDM skips its Runge-Kutta warm-up; null if the config does not specify it.</summary>
    public bool? SkipPrkSteps { get; init; }

    /// <summary>Whether DPM-Solver++ and Euler use the noise levels of Karras et al. 2022.</summary>
    public bool UseKarrasSigmas { get; init; }

    /// <summary>Variant of DPM-Solver.</summary>
    public string AlgorithmType { get; init; } = DpmSolverMultistepScheduler.SupportedAlgorithm;

    /// <summary>Order of DPM-Solver++: 1 or 2.</summary>
    public int SolverOrder { get; init; } = 2;

    /// <summary>Second-order variant of DPM-Solver++.</summary>
    public SolverType SolverType { get; init; } = SolverType.Midpoint;

    /// <summary>Whether DPM-Solver++ ends runs of fewer than 15 steps with a first-order step, which is steadier.</summary>
    public bool LowerOrderFinal { get; init; } = true;

    /// <summary>Whether DPM-Solver++ ends runs of any length with a first-order step.</summary>
    public bool EulerAtFinal { get; init; }

    /// <summary>Whether DPM-Solver++ ends without noise instead of at the noise level of timestep 0.</summary>
    public bool FinalSigmaIsZero { get; init; }

    /// <summary>Number of timesteps used in the distillation of a latent consistency model.</summary>
    public int OriginalInferenceSteps { get; init; } = 50;

    /// <summary>Scale of the timesteps in the boundary condition of latent consistency sampling.</summary>
    public double TimestepScaling { get; init; } = 10;

    /// <summary>The sampler named by the model's config, or null if it is not supported.</summary>
    public SamplerKind? PreferredSampler => SamplerNames.FromClassName(ClassName);

    /// <summary>The sampler of runs that do not specify one: <see cref="PreferredSampler"/>, else DDIM.</summary>
    public SamplerKind DefaultSampler => PreferredSampler ?? SamplerKind.Ddim;

    /// <summary>A warning that the default sampler differs from the one named by the model; null if they are equal.</summary>
    public string? Substitution => PreferredSampler is not null ? null
        : $"{(ClassName is { Length: > 0 } name ? $"the model asks for {name}, which is not supported" : "the model's scheduler config names no class")}; {DefaultSampler.Name()} is used";

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or contains an unsupported value.</exception>
    public static SchedulerConfig FromFile(string path) => FromJson(JsonConfig.Read(path));

    internal static SchedulerConfig FromJson(JsonConfig json)
    {
        var name = json.Has("_class_name") ? json.Text("_class_name") : "";
        RequireKnown(json, "_class_name", name);
        // Each of these fields changes the result, so ignoring one would produce a different image than the model's authors intended.
        foreach (var (field, value) in Fixed)
            json.Expect(field, value);
        RequireNoLearnedVariance(json);
        if (name == "EulerDiscreteScheduler")
            json.Expect("final_sigmas_type", "zero");
        // A bound of the noise levels for schedules that end in pure noise; unbounded by default.
        if (json.Has("lambda_min_clipped") && json.Raw("lambda_min_clipped").Trim('"') != "-Infinity")
            json.Expect("lambda_min_clipped", null);

        var trainTimesteps = json.Integer("num_train_timesteps", 1000);
        if (trainTimesteps is < 2 or > JsonConfig.MaxSize)
            throw json.Error("num_train_timesteps", $"must be at least 2 and at most {JsonConfig.MaxSize}");
        var trainedBetas = json.Has("trained_betas") ? json.Numbers("trained_betas") : null;
        if (trainedBetas is not null && trainedBetas.Count != trainTimesteps)
            throw json.Error("trained_betas", $"must have {trainTimesteps} numbers, one per timestep");
        if (trainedBetas?.All(IsBeta) == false)
            throw json.Error("trained_betas", "must have numbers from 0 to below 1");
        var config = new SchedulerConfig
        {
            ClassName = name,
            TrainTimesteps = trainTimesteps,
            BetaStart = Beta(json, "beta_start", 0.0001),
            BetaEnd = Beta(json, "beta_end", 0.02),
            BetaSchedule = Choice(json, "beta_schedule", BetaSchedule.Linear, BetaSchedules),
            TrainedBetas = trainedBetas,
            RescaleBetasZeroSnr = json.Flag("rescale_betas_zero_snr", false),
            PredictionType = Choice(json, "prediction_type", PredictionType.Epsilon, PredictionTypes),
            TimestepSpacing = json.Has("timestep_spacing")
                ? Choice(json, "timestep_spacing", Diffusion.Sampling.TimestepSpacing.Leading, TimestepSpacings)
                : null,
            StepsOffset = json.Integer("steps_offset", 0),
            SetAlphaToOne = OptionalFlag(json, "set_alpha_to_one"),
            ClipSample = json.Flag("clip_sample", false),
            ClipSampleRange = json.Positive("clip_sample_range", 1),
            SkipPrkSteps = OptionalFlag(json, "skip_prk_steps"),
            UseKarrasSigmas = json.Flag("use_karras_sigmas", false),
            // The reference library reads configs of the DPM-Solver family in the same way.
            AlgorithmType = json.Text("algorithm_type", DpmSolverMultistepScheduler.SupportedAlgorithm) is var algorithm && algorithm == "deis"
                ? DpmSolverMultistepScheduler.SupportedAlgorithm : algorithm,
            SolverOrder = json.Integer("solver_order", 2),
            SolverType = Choice(
                json,
                "solver_type",
                SolverType.Midpoint,
                ("midpoint", SolverType.Midpoint),
                ("heun", SolverType.Heun),
                ("bh1", SolverType.Midpoint),
                ("bh2", SolverType.Midpoint),
                ("logrho", SolverType.Midpoint)),
            LowerOrderFinal = json.Flag("lower_order_final", true),
            EulerAtFinal = json.Flag("euler_at_final", false),
            OriginalInferenceSteps = OriginalSteps(json, trainTimesteps),
            TimestepScaling = json.Positive("timestep_scaling", 10),
            FinalSigmaIsZero = Choice(json, "final_sigmas_type", false, ("sigma_min", false), ("zero", true)),
        };
        json.NoteUnknown(config.PreferredSampler is null ? OfReplaced : Harmless);
        return config;
    }

    /// <summary>Rejects schedulers of models with an unsupported type of training, whatever the sampler.</summary>
    /// <param name="json">The config that names the scheduler.</param>
    /// <param name="field">The field that names it.</param>
    /// <param name="className">Its class name.</param>
    internal static void RequireKnown(JsonConfig json, string field, string className)
    {
        if (OtherKinds.FirstOrDefault(kind => className.Contains(kind.Part, StringComparison.Ordinal)) is { What: { } what })
            throw json.Error(field, $"names {className}: the model was trained for {what}, which is not supported; use a model that predicts noise or velocity");
    }

    // DDPM's fixed variances concern only its own sampler; a learned variance is a second output of the network.
    private static void RequireNoLearnedVariance(JsonConfig json)
    {
        if (json.Has("variance_type") && json.Text("variance_type") is var type && !type.StartsWith("fixed_", StringComparison.Ordinal))
            json.Expect("variance_type", null);
    }

    /// <summary>Creates a scheduler for one run.</summary>
    /// <param name="kind">The algorithm.</param>
    /// <param name="steps">Number of denoising steps, at least 1. PNDM evaluates the network once more.</param>
    /// <param name="seed">Seed of the noise added by stochastic algorithms.</param>
    /// <exception cref="InvalidInputException">The algorithm does not support this number of steps or this config.</exception>
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

    /// <summary>A <c>scheduler_config.json</c> that reads back as this config, limited to the fields set by single files and trained models.</summary>
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
        json.Number(field, fallback) is var beta && IsBeta(beta) ? beta : throw json.Error(field, $"is {beta}; a variance must be from 0 to below 1");

    private static int OriginalSteps(JsonConfig json, int trainTimesteps)
    {
        const string Field = "original_inference_steps";
        var steps = json.Integer(Field, Math.Min(50, trainTimesteps));
        return steps >= 1 && steps <= trainTimesteps ? steps : throw json.Error(Field, $"must be from 1 to {trainTimesteps}");
    }

    private static bool? OptionalFlag(JsonConfig json, string field) => json.Has(field) ? json.Flag(field) : null;

    private static T Choice<T>(JsonConfig json, string field, T fallback, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var usual = default(string);
        foreach (var (name, value) in choices)
            usual ??= EqualityComparer<T>.Default.Equals(value, fallback) ? name : null;
        var text = json.Text(field, usual);
        var names = new List<string>();
        foreach (var (name, value) in choices)
        {
            if (name == text)
                return value;
            names.Add(name);
        }

        throw json.Error(field, $"is \"{text}\"; supported values are {string.Join(", ", names)}");
    }
}
