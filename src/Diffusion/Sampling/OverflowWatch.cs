using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Ends a run whose numbers became infinite or undefined. The answer about a step is read when the next one has been handed to the device, so
/// that a GPU never runs out of work for it; what overflowed once stays so.
/// </summary>
internal sealed class OverflowWatch : IDisposable
{
    private Tensor? finite;
    private int step;

    /// <summary>Asks about a step, and reads the answer about the one before.</summary>
    /// <param name="index">The step, from 0.</param>
    /// <param name="latents">The latents after it.</param>
    /// <exception cref="InvalidInputException">The step before overflowed.</exception>
    public void Add(int index, Tensor latents)
    {
        var asked = FiniteNumbers.Ask(latents).DetachFromDisposeScope();
        var before = finite;
        (finite, step) = (asked, index);
        using (before)
            Require(before, index - 1);
    }

    /// <summary>Reads the answer about the last step.</summary>
    /// <exception cref="InvalidInputException">It overflowed.</exception>
    public void Require() => Require(finite, step);

    public void Dispose() => finite?.Dispose();

    private static void Require(Tensor? finite, int step) => InvalidInputException.Require(
        finite is null || finite.ReadBoolean(),
        $"The numbers overflowed at step {step + 1}. Use float32, a lower guidance or weights closer to 1; if it persists, the model file may be corrupt.");
}
