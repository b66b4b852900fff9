using System.Text.Json.Serialization;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Proximal guidance (Han et al. 2023, arXiv 2306.05414): negative-prompt inversion that applies guidance only where the two predictions
/// differ strongly. This is the proximal operator of λ‖·‖₀: differences below a quantile become zero.
/// </summary>
public sealed record ProximalInversion : NegativePromptInversion
{
    /// <inheritdoc/>
    public override string Name => "proximal";

    /// <summary>Quantile of the differences below which guidance is zeroed, 0 to 1.</summary>
    [JsonPropertyName("ProximalQuantile")]
    public double Quantile { get; init; } = 0.7;

    internal override void Validate(InversionSettings settings) => RequireRange(Quantile, 0.0, 1.0, nameof(Quantile));

    internal override Tensor ShapeGuidance(Tensor difference)
    {
        var size = difference.abs();
        var threshold = quantile(size.flatten(1), tensor((float)Quantile, device: difference.device), 1).view(-1, 1, 1, 1);
        return difference * size.ge(threshold);
    }
}
