using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary><see cref="Sinusoids"/> of the timestep followed by a perceptron: [B] → [B, embedding].</summary>
internal sealed class TimestepEmbedding(
    WeightScope weights, int channels, int embedding, bool cosineFirst, double frequencyShift, int? guidanceWidth = null)
{
    // Guidance reaches distilled networks in thousandths, as timesteps do, and in the sinusoids of other code than timesteps'.
    private const double GuidanceScale = 1000, GuidanceFrequencyShift = 1;

    private readonly Linear? guidanceProjection = guidanceWidth is { } width ? new(weights["cond_proj"], width, channels, bias: false) : null;
    private readonly EmbeddingMlp perceptron = new(weights, channels, embedding);

    /// <summary>The embedding.</summary>
    /// <param name="timesteps">[B].</param>
    /// <param name="dtype">What to compute in.</param>
    /// <param name="guidance">Guidance as an input, for networks that were distilled to take it (Meng et al., arXiv 2210.03142).</param>
    public Tensor Forward(Tensor timesteps, ScalarType dtype, double? guidance = null)
    {
        using var scope = NewDisposeScope();
        var waves = Sinusoids.Of(timesteps, channels, cosineFirst, frequencyShift).to(dtype);
        if (guidanceProjection is not null && guidance is { } scale)
        {
            // w of the distillation: 0 where guidance is 1.
            var strength = full([1], Scalar((scale - 1) * GuidanceScale), ScalarType.Float32, timesteps.device);
            waves = waves.Plus(guidanceProjection.Forward(Sinusoids.Of(strength, guidanceWidth!.Value, cosineFirst: false, GuidanceFrequencyShift).to(dtype)));
        }

        return perceptron.Forward(waves).MoveToOuterDisposeScope();
    }
}
