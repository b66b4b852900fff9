using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>Whether tensors are made of numbers. To read the answer means to wait for the device.</summary>
internal static class FiniteNumbers
{
    /// <summary>
    /// A tensor whose value says whether all numbers of another are finite, on the same device: asked now, it can be read later.
    /// </summary>
    public static Tensor Ask(Tensor tensor)
    {
        using var each = tensor.isfinite();
        return each.all();
    }

    /// <summary>Whether all numbers are finite.</summary>
    public static bool AreAll(Tensor tensor)
    {
        using var answer = Ask(tensor);
        return answer.ReadBoolean();
    }
}
