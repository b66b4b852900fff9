namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The schedulers: their names in settings, in model directories and in image metadata, and how to create each. A new scheduler needs a value of
/// <see cref="SchedulerKind"/>, a <see cref="Scheduler"/> with its config, and a row here.
/// </summary>
internal static class Schedulers
{
    private static readonly Entry[] Known =
    [
        new(SchedulerKind.Ddim, "ddim", "DDIMScheduler", "DDIM", (config, steps, _) => new DdimScheduler(config, steps)),
        new(SchedulerKind.Pndm, "pndm", "PNDMScheduler", "PNDM", (config, steps, _) => new PndmScheduler(config, steps)),
        new(SchedulerKind.DpmSolverPlusPlus, "dpm++", "DPMSolverMultistepScheduler", "DPM++ 2M", (config, steps, _) => new DpmSolverMultistepScheduler(config, steps)),
        new(SchedulerKind.Euler, "euler", "EulerDiscreteScheduler", "Euler", (config, steps, _) => new EulerDiscreteScheduler(config, steps)),
        new(SchedulerKind.EulerAncestral, "euler-a", "EulerAncestralDiscreteScheduler", "Euler a", (config, steps, seed) => new EulerAncestralDiscreteScheduler(config, steps, seed)),
        new(SchedulerKind.Lcm, "lcm", "LCMScheduler", "LCM", (config, steps, seed) => new LcmScheduler(config, steps, seed)),
    ];

    /// <summary>The names that users can enter.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Known.Select(known => known.Name)];

    /// <summary>Finds a scheduler by name; case is ignored.</summary>
    /// <exception cref="InvalidInputException">The name is unknown; the message lists the known ones.</exception>
    public static SchedulerKind Parse(string name)
    {
        var index = Array.FindIndex(Known, known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return index >= 0
            ? Known[index].Kind
            : throw new InvalidInputException("Scheduler", $"\"{name}\" is unknown.", Suggestion.Advice(name, All));
    }

    /// <summary>The scheduler's name in settings.</summary>
    public static string Name(this SchedulerKind kind) => Of(kind).Name;

    /// <summary>The scheduler's name in image metadata, as other programs write it; see <c>GenerationParameters</c>.</summary>
    public static string Label(this SchedulerKind kind) => Of(kind).Label;

    /// <summary>Finds the scheduler for a <c>_class_name</c> in a scheduler config; null if it is not supported.</summary>
    public static SchedulerKind? FromClassName(string? className)
    {
        var index = Array.FindIndex(Known, known => known.ClassName == className);
        return index >= 0 ? Known[index].Kind : null;
    }

    /// <summary>Creates the scheduler of one run.</summary>
    /// <param name="config">The scheduler config of the model.</param>
    /// <param name="kind">The scheduler.</param>
    /// <param name="steps">Number of denoising steps, at least 1. PNDM evaluates the network once more.</param>
    /// <param name="seed">Seed of the noise added by stochastic schedulers.</param>
    /// <exception cref="InvalidInputException">The scheduler does not support this number of steps or this config.</exception>
    public static Scheduler CreateScheduler(this SchedulerConfig config, SchedulerKind kind, int steps, ulong seed = 0) => Of(kind).Create(config, steps, seed);

    private static Entry Of(SchedulerKind kind) => Array.Find(Known, known => known.Kind == kind) ?? throw new ArgumentOutOfRangeException(nameof(kind));

    private sealed record Entry(SchedulerKind Kind, string Name, string ClassName, string Label, Func<SchedulerConfig, int, ulong, Scheduler> Create);
}
