using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Proximal guidance (Han et al. 2023, arXiv 2306.05414): negative-prompt inversion whose edits are guided only where the two predictions
/// differ much. The proximal operator of λ‖·‖₀: what is smaller than a quantile of the differences becomes zero.
/// </summary>
internal sealed class ProximalInversion : NegativePromptInversion
{
    public override string Name => "proximal";

    internal override Tensor ShapeGuidance(InversionSettings settings, Tensor difference)
    {
        var size = difference.abs();
        var threshold = quantile(size.flatten(1), tensor((float)settings.ProximalQuantile, device: difference.device), 1).view(-1, 1, 1, 1);
        return difference * size.ge(threshold);
    }
}
