namespace PromptToPrompt.Storybook.Training;

/// <summary>Warm-up, constant, linear decay. The constant phase allows a run to be extended.</summary>
/// <param name="Peak">The rate of the constant phase.</param>
/// <param name="WarmUp">Steps of linear warm-up.</param>
/// <param name="DecayShare">Fraction of the run at its end in which the rate falls to a fiftieth.</param>
public readonly record struct LearningRate(double Peak, int WarmUp = 100, double DecayShare = 0.3)
{
    /// <summary>The rate at a step of a run of a given length.</summary>
    public double At(long step, long steps)
    {
        var warm = Math.Min(1, (step + 1.0) / WarmUp);
        var left = Math.Clamp((steps - step) / Math.Max(1, steps * DecayShare), 0.02, 1);
        return Peak * warm * left;
    }
}
