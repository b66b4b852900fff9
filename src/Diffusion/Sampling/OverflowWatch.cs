using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Stops a run whose latents became NaN or infinite. The check of a step is read only after the next step has been queued, so that a GPU
/// never runs idle for it. This is safe because NaN and infinite values persist.
/// </summary>
internal sealed class OverflowWatch : IDisposable
{
    private Tensor? finite;
    private int step;

    /// <summary>Queues the check of a step and reads that of the previous step.</summary>
    /// <param name="index">The step, from 0.</param>
    /// <param name="latents">The latents after it.</param>
    /// <exception cref="InvalidInputException">The previous step produced NaN or infinite values.</exception>
    public void Add(int index, Tensor latents)
    {
        var asked = FiniteNumbers.Ask(latents).DetachFromDisposeScope();
        var before = finite;
        (finite, step) = (asked, index);
        using (before)
            Require(before, index - 1);
    }

    /// <summary>Reads the check of the last step.</summary>
    /// <exception cref="InvalidInputException">The last step produced NaN or infinite values.</exception>
    public void Require() => Require(finite, step);

    public void Dispose() => finite?.Dispose();

    private static void Require(Tensor? finite, int step) => InvalidInputException.Require(
        finite is null || finite.ReadBoolean(),
        $"The latents became NaN or infinite at step {step + 1}. Use float32, a lower guidance or weights closer to 1; if it persists, the model file may be corrupt.");
}
