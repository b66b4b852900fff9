namespace PromptToPrompt.Evaluation.Quality;

/// <summary>How the pairs are run.</summary>
public sealed record EditQualityOptions
{
    /// <summary>Pairs of prompts.</summary>
    public int Pairs { get; init; } = 210;

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Classifier-free guidance.</summary>
    public double Guidance { get; init; } = 5;

    /// <summary>Seed of the pairs; the noise of pair number i has this seed plus i.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Part of the run in which cross-attention comes from the source.</summary>
    public double CrossSteps { get; init; } = 0.8;

    /// <summary>Part of the run in which self-attention comes from the source.</summary>
    public double SelfSteps { get; init; } = 0.4;

    /// <summary>Weight of the word in a re-weighting.</summary>
    public float Weight { get; init; } = 2;
}
