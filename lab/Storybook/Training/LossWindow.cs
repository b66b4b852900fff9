namespace PromptToPrompt.Storybook.Training;

/// <summary>Averages two numbers over the steps between reports.</summary>
/// <param name="every">Number of steps between reports.</param>
/// <param name="steps">Total number of steps.</param>
internal sealed class LossWindow(int every, long steps)
{
    private bool reported;
    private int count;
    private double first;
    private double second;

    /// <summary>
    /// Adds a step's numbers; returns the averages if a report is due: at the first step, at regular intervals and at the last step.
    /// </summary>
    /// <param name="step">Steps taken, including this one.</param>
    /// <param name="one">The first number of this step.</param>
    /// <param name="other">The second number of this step.</param>
    public (double First, double Second)? Add(long step, double one, double other)
    {
        count++;
        first += one;
        second += other;
        if (reported && step % every != 0 && step < steps)
            return null;
        var means = (first / count, second / count);
        (reported, count, first, second) = (true, 0, 0, 0);
        return means;
    }
}
