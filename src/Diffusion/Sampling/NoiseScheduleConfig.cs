using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The noise added at each training timestep, with the defaults of <c>scheduler_config.json</c>.</summary>
internal sealed record NoiseScheduleConfig
{
    private static readonly (string Name, BetaSchedule Value)[] BetaSchedules =
    [
        ("linear", BetaSchedule.Linear),
        ("scaled_linear", BetaSchedule.ScaledLinear),
        ("squaredcos_cap_v2", BetaSchedule.SquaredCosine),
    ];

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

    /// <summary>The name of <see cref="BetaSchedule"/> in the file.</summary>
    public string BetaScheduleName => Array.Find(BetaSchedules, known => known.Value == BetaSchedule).Name;

    /// <summary>Reads the fields of the noise schedule.</summary>
    /// <exception cref="InvalidInputException">A value is unsupported.</exception>
    public static NoiseScheduleConfig FromJson(JsonConfig json)
    {
        var trainTimesteps = json.Integer("num_train_timesteps", 1000);
        if (trainTimesteps is < 2 or > JsonConfig.MaxSize)
            throw json.Error("num_train_timesteps", $"must be at least 2 and at most {JsonConfig.MaxSize}");
        var trainedBetas = json.Has("trained_betas") ? json.Numbers("trained_betas") : null;
        if (trainedBetas is not null && trainedBetas.Count != trainTimesteps)
            throw json.Error("trained_betas", $"must have {trainTimesteps} numbers, one per timestep");
        if (trainedBetas?.All(IsBeta) == false)
            throw json.Error("trained_betas", "must have numbers from 0 to below 1");
        return new NoiseScheduleConfig
        {
            TrainTimesteps = trainTimesteps,
            BetaStart = Beta(json, "beta_start", 0.0001),
            BetaEnd = Beta(json, "beta_end", 0.02),
            BetaSchedule = json.Choice("beta_schedule", BetaSchedule.Linear, BetaSchedules),
            TrainedBetas = trainedBetas,
            RescaleBetasZeroSnr = json.Flag("rescale_betas_zero_snr", false),
        };
    }

    private static bool IsBeta(double beta) => beta is >= 0 and < 1;

    private static double Beta(JsonConfig json, string field, double fallback) =>
        json.Number(field, fallback) is var beta && IsBeta(beta) ? beta : throw json.Error(field, $"is {beta}; a variance must be from 0 to below 1");
}
