namespace PromptToPrompt.Storybook.Training;

/// <summary>Averages two numbers over the steps between reports.</summary>
/// <param name="every">Steps from report to report.</param>
/// <param name="steps">Steps at the end.</param>
internal sealed class LossWindow(int every, long steps)
{
    private bool reported;
    private int count;
    private double first;
    private double second;

    /// <summary>Takes in a step's numbers; gives the averages when a report is due, at the first step (a sign of life), every few after it and at the last.</summary>
    /// <param name="step">Steps taken, this one included.</param>
    /// <param name="one">A number of this step.</param>
    /// <param name="other">Another.</param>
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
