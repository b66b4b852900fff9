namespace PromptToPrompt.Evaluation.Quality;

/// <summary>Options for running pairs.</summary>
internal sealed record EditQualityOptions
{
    /// <summary>Number of pairs of prompts.</summary>
    public int Pairs { get; init; } = 210;

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Classifier-free guidance.</summary>
    public double Guidance { get; init; } = 5;

    /// <summary>Seed of the pairs; the noise of pair i uses this seed plus i.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Fraction of the run in which cross-attention comes from the source.</summary>
    public double CrossSteps { get; init; } = 0.8;

    /// <summary>Fraction of the run in which self-attention comes from the source.</summary>
    public double SelfSteps { get; init; } = 0.4;

    /// <summary>Weight of the word in a re-weighting.</summary>
    public float Weight { get; init; } = 2;
}
