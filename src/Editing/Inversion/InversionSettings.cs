using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Tokenization;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>Everything that decides an inversion. The same settings on the same model and picture give the same inversion.</summary>
public sealed record InversionSettings
{
    /// <summary>Name of the method, one of <see cref="InversionMethod.Names"/>.</summary>
    public string Method { get; init; } = NullTextInversion.MethodName;

    /// <summary>What the picture shows.</summary>
    public required string Prompt { get; init; }

    /// <summary>Windows in which the text encoder reads the prompt; edits can use as many.</summary>
    public int Windows { get; init; } = 1;

    /// <summary>How many of the text encoder's last layers are left out.</summary>
    public int ClipSkip { get; init; }

    /// <summary>DDIM steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Offset of the timesteps; null for the model's own.</summary>
    public int? StepsOffset { get; init; }

    /// <summary>Guidance the picture will be edited with; the null embeddings are made for it.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Guidance of the inversion itself. Null for the method's own: 3.5 for edit-friendly, 1 for all others, as anything else drifts.</summary>
    public double? InversionGuidance { get; init; }

    /// <summary>Fixed-point refinements of each inversion step (Pan et al. 2023, arXiv 2309.04907).</summary>
    public int FixedPoint { get; init; }

    /// <summary>Null-text: most optimisation steps at each timestep.</summary>
    public int InnerSteps { get; init; } = 10;

    /// <summary>Null-text: the loss at which a timestep is done, at the first; it rises by 2·10⁻⁵ with each.</summary>
    public double EarlyStop { get; init; } = 1e-5;

    /// <summary>Null-text: Adam's learning rate at the first timestep; it falls by a hundredth of itself with each.</summary>
    public double LearningRate { get; init; } = 1e-2;

    /// <summary>
    /// Null-text: whether the backward pass computes activations again instead of keeping them: a third more work, far less memory. Null: where
    /// keeping them would take more than about 2 GB, and with models of which one part is in memory at a time.
    /// </summary>
    public bool? SaveMemory { get; init; }

    /// <summary>Edit-friendly: share of the steps that edits leave out at the start, keeping the picture's coarse form.</summary>
    public double Skip { get; init; } = 0.36;

    /// <summary>Edit-friendly: seed of the noise.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>BDIA: γ, how much a step looks back.</summary>
    public double Gamma { get; init; } = 1;

    /// <summary>Proximal: share of the guidance, smallest first, that is left out.</summary>
    public double ProximalQuantile { get; init; } = 0.7;

    /// <summary>Whether the method optimises something, which takes memory.</summary>
    public bool HasGradient => Method == NullTextInversion.MethodName;

    /// <summary>Refuses numbers that make no sense.</summary>
    /// <exception cref="Diffusion.InvalidInputException">One of them does.</exception>
    public void Validate()
    {
        Require(Steps is >= 1 and <= 1000, $"--steps is {Steps}; give a number from 1 to 1000.");
        Require(Windows is >= 1 and <= ClipTokenizer.MostWindows, $"The prompt needs {Windows} windows; at most {ClipTokenizer.MostWindows} are read.");
        Require(double.IsFinite(Guidance), "--guidance must be a finite number.");
        Require(InversionGuidance is null || double.IsFinite(InversionGuidance.Value), "--inversion-guidance must be a finite number.");
        Require(FixedPoint is >= 0 and <= 100, $"--fixed-point is {FixedPoint}; give a number from 0 to 100.");
        Require(
            !HasGradient || Steps <= NullTextInversion.MostSteps,
            $"--steps is {Steps}; null-text inversion takes at most {NullTextInversion.MostSteps}, because its learning rate falls to nothing there.");
        Require(InnerSteps is >= 0 and <= 1000, $"--inner-steps is {InnerSteps}; give a number from 0 to 1000.");
        Require(EarlyStop >= 0, $"--early-stop is {EarlyStop}; give a number of at least 0.");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), $"--learning-rate is {LearningRate}; give a number above 0.");
        Require(Skip is >= 0 and < 1, $"--skip is {Skip}; give a number from 0 to below 1.");
        Require(Gamma is > 0 and <= 1, $"--gamma is {Gamma}; give a number above 0 and up to 1.");
        Require(ProximalQuantile is >= 0 and <= 1, $"--proximal-quantile is {ProximalQuantile}; give a number from 0 to 1.");
    }
}

/// <summary>Where an inversion stands.</summary>
/// <param name="Stage">What is being done: <c>inverting</c>, <c>optimising</c> or <c>replaying</c>.</param>
/// <param name="Step">Steps of this stage done.</param>
/// <param name="Steps">Steps of this stage in all.</param>
/// <param name="Rows">U-Net rows computed so far; a backward pass counts as two.</param>
/// <param name="Loss">Loss of the step, where something is optimised.</param>
public readonly record struct InversionProgress(string Stage, int Step, int Steps, long Rows, double? Loss = null);
