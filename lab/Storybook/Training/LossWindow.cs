using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// Averages two losses over the steps between reports. It reads them only when a report is due: each reading would make the CPU wait for a
/// GPU.
/// </summary>
/// <param name="every">Number of steps between reports.</param>
/// <param name="steps">Total number of steps.</param>
internal sealed class LossWindow(int every, long steps) : IDisposable
{
    private readonly List<Tensor> waiting = [];
    private bool reported;

    /// <summary>
    /// Adds a step's losses; returns the averages if a report is due: at the first step, at regular intervals and at the last step.
    /// </summary>
    /// <param name="step">Steps taken, including this one.</param>
    /// <param name="losses">The two losses of this step, [2]; taken over.</param>
    /// <exception cref="Diffusion.InvalidInputException">No step had finite losses.</exception>
    public (double First, double Second)? Add(long step, Tensor losses)
    {
        waiting.Add(losses);
        if (reported && step % every != 0 && step < steps)
            return null;
        reported = true;
        using var all = stack(waiting);
        using var read = all.cpu();
        var numbers = read.data<float>().ToArray();
        Dispose();
        var finite = numbers.Chunk(2).Where(pair => pair.All(float.IsFinite)).ToList();
        return finite.Count > 0
            ? (finite.Average(pair => (double)pair[0]), finite.Average(pair => (double)pair[1]))
            : throw new Diffusion.InvalidInputException($"The losses are NaN or infinite after {step} steps. Train from the last state in float32, or from scratch.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        waiting.ForEach(losses => losses.Dispose());
        waiting.Clear();
    }
}
