using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Activation functions; they work in place unless a gradient needs the overwritten value.</summary>
internal static class Activations
{
    /// <summary>x·σ(x). Overwrites <paramref name="x"/> unless it is part of a gradient computation.</summary>
    public static Tensor Silu(Tensor x) => x.requires_grad ? nn.functional.silu(x) : x.silu_();

    /// <summary>x·σ(1.702·x), CLIP's fast approximation of <see cref="Gelu"/>.</summary>
    public static Tensor QuickGelu(Tensor x)
    {
        using var scaled = x * Scalar(1.702);
        using var gate = sigmoid(scaled);
        return x * gate;
    }

    /// <summary>x·Φ(x) with the exact normal distribution function.</summary>
    public static Tensor Gelu(Tensor x) => nn.functional.gelu(x);

    /// <summary>x times <see cref="Gelu"/> of the gate.</summary>
    public static Tensor Gated(Tensor x, Tensor gate)
    {
        var opened = Gelu(gate);
        // An in-place product would make autograd copy the overwritten value.
        if (!opened.requires_grad)
            return opened.mul_(x);
        using (opened)
            return x * opened;
    }
}
