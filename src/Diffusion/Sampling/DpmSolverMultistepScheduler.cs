using PromptToPrompt.Diffusion.Storage.Files;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Config of <see cref="DpmSolverMultistepScheduler"/>.</summary>
internal sealed record DpmSolverConfig
{
    /// <summary>Variant of the algorithm.</summary>
    public string AlgorithmType { get; init; } = DpmSolverMultistepScheduler.SupportedAlgorithm;

    /// <summary>Order: 1 or 2.</summary>
    public int SolverOrder { get; init; } = 2;

    /// <summary>Second-order variant.</summary>
    public SolverType SolverType { get; init; } = SolverType.Midpoint;

    /// <summary>Whether to use the noise levels of Karras et al. 2022.</summary>
    public bool UseKarrasSigmas { get; init; }

    /// <summary>Whether runs of fewer than 15 steps end with a first-order step, which is steadier.</summary>
    public bool LowerOrderFinal { get; init; } = true;

    /// <summary>Whether runs of any length end with a first-order step.</summary>
    public bool EulerAtFinal { get; init; }

    /// <summary>Whether runs end without noise instead of at the noise level of timestep 0.</summary>
    public bool FinalSigmaIsZero { get; init; }

    /// <summary>Reads DPM-Solver's fields of a <c>scheduler_config.json</c>.</summary>
    public static DpmSolverConfig FromJson(JsonConfig json) => new()
    {
        // The reference library reads configs of the DPM-Solver family in the same way.
        AlgorithmType = json.Text("algorithm_type", DpmSolverMultistepScheduler.SupportedAlgorithm) is var algorithm && algorithm == "deis"
            ? DpmSolverMultistepScheduler.SupportedAlgorithm : algorithm,
        SolverOrder = json.Integer("solver_order", 2),
        SolverType = json.Choice(
            "solver_type",
            SolverType.Midpoint,
            ("midpoint", SolverType.Midpoint),
            ("heun", SolverType.Heun),
            ("bh1", SolverType.Midpoint),
            ("bh2", SolverType.Midpoint),
            ("logrho", SolverType.Midpoint)),
        UseKarrasSigmas = json.Flag("use_karras_sigmas", false),
        LowerOrderFinal = json.Flag("lower_order_final", true),
        EulerAtFinal = json.Flag("euler_at_final", false),
        FinalSigmaIsZero = json.Choice("final_sigmas_type", false, ("sigma_min", false), ("zero", true)),
    };
}

/// <summary>
/// DPM-Solver++ of first and second order, multistep (Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion
/// Probabilistic Models", algorithm 2).
/// </summary>
internal sealed class DpmSolverMultistepScheduler : Scheduler
{
    internal const string SupportedAlgorithm = "dpmsolver++";

    /// <summary>Shorter runs end with a first-order step if the config allows it.</summary>
    private const int ShortRun = 15;

    private readonly double[] sigmas;
    private readonly StepHistory samples = new(2);

    /// <summary>Prepares a run of <paramref name="steps"/> steps.</summary>
    /// <exception cref="InvalidInputException">The number of steps is not possible, or the config needs an unsupported variant.</exception>
    public DpmSolverMultistepScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        if (config.DpmSolver.AlgorithmType != SupportedAlgorithm)
            throw new InvalidInputException("Scheduler", $"The scheduler config asks for the DPM-Solver algorithm \"{config.DpmSolver.AlgorithmType}\"; only {SupportedAlgorithm} is supported.", "Use ddim.");
        if (config.DpmSolver.SolverOrder is not (1 or 2))
            throw new InvalidInputException("Scheduler", $"The scheduler config asks for DPM-Solver of order {config.DpmSolver.SolverOrder}; only 1 and 2 are supported.", "Use ddim.");
        Timesteps = TimestepGrid.Create(config, config.TimestepSpacing ?? TimestepSpacing.Linspace, steps, includesEnd: false);
        double[] ratios = [.. Timesteps.Select(Noise.Ratio)];
        var end = Noise.Ratio(0);
        if (config.DpmSolver.UseKarrasSigmas)
        {
            ratios = SigmaGrid.Karras(Noise.Ratio(Noise.Count - 1), end, steps);
            Timesteps = [.. ratios.Select(ratio => SigmaGrid.Timestep(Noise, ratio))];
        }
        sigmas = [.. ratios, config.DpmSolver.FinalSigmaIsZero ? 0 : end];
    }

    /// <summary>The noise level at each step and at the end, as ratios σ/α.</summary>
    public IReadOnlyList<double> Sigmas => sigmas;

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        samples.Begin(step);
        using var scope = NewDisposeScope();
        samples.Push(PredictSample(modelOutput, step, sample));

        NoiseLevel level = Level(step), next = Level(step + 1);
        var h = next.Lambda - level.Lambda;
        var gain = -next.Alpha * double.ExpM1(-h);
        var result = (sample * Scalar(next.Sigma / level.Sigma)).Plus(samples[0] * Scalar(gain));
        // A last step between equal levels (Karras spacing) does nothing and has no curvature to correct.
        if (samples.Count == 2 && !IsFirstOrder(step) && h > 0)
        {
            var ratio = (level.Lambda - Level(step - 1).Lambda) / h;
            var curvature = Config.DpmSolver.SolverType == SolverType.Midpoint ? gain / 2 : next.Alpha * ((double.ExpM1(-h) / h) + 1);
            result = result.Plus((samples[0] - samples[1]) * Scalar(curvature / ratio));
        }
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        samples.Dispose();
        base.Dispose();
    }

    private protected override NoiseLevel Level(int step) => NoiseLevel.FromRatio(sigmas[step]);

    private bool IsFirstOrder(int step)
    {
        var last = step == Timesteps.Count - 1;
        var isShort = Config.DpmSolver.LowerOrderFinal && Timesteps.Count < ShortRun;
        return Config.DpmSolver.SolverOrder == 1 || (last && (isShort || Config.DpmSolver.EulerAtFinal || Config.DpmSolver.FinalSigmaIsZero));
    }
}
