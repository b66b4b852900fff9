using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The noise schedule of a model, its recommended scheduler, and the config of each scheduler: the content of a model directory's
/// <c>scheduler/scheduler_config.json</c>, with that format's defaults for missing fields.
/// </summary>
internal sealed record SchedulerConfig
{
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

    // Fields of schedulers that are replaced by another one; the user is warned of the replacement.
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

    /// <summary>The noise schedule of the training.</summary>
    public NoiseScheduleConfig Noise { get; init; } = new();

    /// <summary>The network's prediction type.</summary>
    public PredictionType PredictionType { get; init; } = PredictionType.Epsilon;

    /// <summary>Spacing of a run's timesteps; null for the scheduler's default (linspace for DPM-Solver++ and Euler, leading for the others).</summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Offset added to each timestep of the leading spacing.</summary>
    public int StepsOffset { get; init; }

    /// <summary>Config of DDIM.</summary>
    public DdimConfig Ddim { get; init; } = new();

    /// <summary>Config of PNDM.</summary>
    public PndmConfig Pndm { get; init; } = new();

    /// <summary>Config of DPM-Solver++.</summary>
    public DpmSolverConfig DpmSolver { get; init; } = new();

    /// <summary>Config of Euler's method, with and without ancestral sampling.</summary>
    public EulerConfig Euler { get; init; } = new();

    /// <summary>Config of latent consistency sampling.</summary>
    public LcmConfig Lcm { get; init; } = new();

    /// <summary>The scheduler named by the model's config, or null if it is not supported.</summary>
    public SchedulerKind? PreferredScheduler => Schedulers.FromClassName(ClassName);

    /// <summary>The scheduler of runs that do not specify one: <see cref="PreferredScheduler"/>, else DDIM.</summary>
    public SchedulerKind DefaultScheduler => PreferredScheduler ?? SchedulerKind.Ddim;

    /// <summary>A warning that the default scheduler differs from the one named by the model; null if they are equal.</summary>
    public string? Substitution => PreferredScheduler is not null ? null
        : $"{(ClassName is { Length: > 0 } name ? $"the model asks for {name}, which is not supported" : "the model's scheduler config names no class")}; {DefaultScheduler.Name()} is used";

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

        var noise = NoiseScheduleConfig.FromJson(json);
        var config = new SchedulerConfig
        {
            ClassName = name,
            Noise = noise,
            PredictionType = json.Choice("prediction_type", PredictionType.Epsilon, PredictionTypes),
            TimestepSpacing = json.Has("timestep_spacing")
                ? json.Choice("timestep_spacing", Diffusion.Sampling.TimestepSpacing.Leading, TimestepSpacings)
                : null,
            StepsOffset = json.Integer("steps_offset", 0),
            Ddim = DdimConfig.FromJson(json),
            Pndm = PndmConfig.FromJson(json),
            DpmSolver = DpmSolverConfig.FromJson(json),
            Euler = EulerConfig.FromJson(json),
            Lcm = LcmConfig.FromJson(json, noise.TrainTimesteps),
        };
        json.NoteUnknown(config.PreferredScheduler is null ? OfReplaced : Harmless);
        return config;
    }

    /// <summary>Rejects schedulers of models with an unsupported type of training, whatever the scheduler.</summary>
    /// <param name="json">The config that names the scheduler.</param>
    /// <param name="field">The field that names it.</param>
    /// <param name="className">Its class name.</param>
    internal static void RequireKnown(JsonConfig json, string field, string className)
    {
        if (OtherKinds.FirstOrDefault(kind => className.Contains(kind.Part, StringComparison.Ordinal)) is { What: { } what })
            throw json.Error(field, $"names {className}: the model was trained for {what}, which is not supported; use a model that predicts noise or velocity");
    }

    // DDPM's fixed variances concern only its own scheduler; a learned variance is a second output of the network.
    private static void RequireNoLearnedVariance(JsonConfig json)
    {
        if (json.Has("variance_type") && json.Text("variance_type") is var type && !type.StartsWith("fixed_", StringComparison.Ordinal))
            json.Expect("variance_type", null);
    }

    /// <summary>A <c>scheduler_config.json</c> that reads back as this config, limited to the fields set by single files and trained models.</summary>
    internal JsonObject ToJson() => new()
    {
        ["_class_name"] = ClassName,
        ["num_train_timesteps"] = Noise.TrainTimesteps,
        ["beta_start"] = Noise.BetaStart,
        ["beta_end"] = Noise.BetaEnd,
        ["beta_schedule"] = Noise.BetaScheduleName,
        ["rescale_betas_zero_snr"] = Noise.RescaleBetasZeroSnr,
        ["prediction_type"] = Array.Find(PredictionTypes, known => known.Value == PredictionType).Name,
        ["timestep_spacing"] = TimestepSpacing is { } spacing ? Array.Find(TimestepSpacings, known => known.Value == spacing).Name : null,
        ["steps_offset"] = StepsOffset,
        ["set_alpha_to_one"] = Ddim.SetAlphaToOne,
        ["clip_sample"] = Ddim.ClipSample,
        ["skip_prk_steps"] = Pndm.SkipPrkSteps,
    };
}
