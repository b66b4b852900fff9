using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>Checks tensors for NaN and infinity. Reading the result waits for the device.</summary>
internal static class FiniteNumbers
{
    /// <summary>
    /// Queues the check on the tensor's device; the returned tensor tells whether all values are finite and can be read later.
    /// </summary>
    public static Tensor Ask(Tensor tensor)
    {
        using var each = tensor.isfinite();
        return each.all();
    }

    /// <summary>Whether all values are finite.</summary>
    public static bool AreAll(Tensor tensor)
    {
        using var answer = Ask(tensor);
        return answer.ReadBoolean();
    }
}
