using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>The timestep embedding: <see cref="Sinusoids"/> followed by a perceptron, [B] → [B, embedding].</summary>
internal sealed class TimestepEmbedding(
    WeightScope weights, int channels, int embedding, bool cosineFirst, double frequencyShift, int? guidanceWidth = null)
{
    // Distilled networks take guidance in thousandths, like timesteps, but with a different frequency shift from that of timesteps.
    private const double GuidanceScale = 1000, GuidanceFrequencyShift = 1;

    private readonly Linear? guidanceProjection = guidanceWidth is { } width ? new(weights["cond_proj"], width, channels, bias: false) : null;
    private readonly EmbeddingMlp perceptron = new(weights, channels, embedding);

    /// <summary>Computes the embedding.</summary>
    /// <param name="timesteps">[B].</param>
    /// <param name="dtype">The compute type.</param>
    /// <param name="guidance">Guidance as an input, for networks that were distilled to take it (Meng et al., arXiv 2210.03142).</param>
    public Tensor Forward(Tensor timesteps, ScalarType dtype, double? guidance = null)
    {
        using var scope = NewDisposeScope();
        var waves = Sinusoids.Of(timesteps, channels, cosineFirst, frequencyShift).to(dtype);
        if (guidanceProjection is not null && guidance is { } scale)
        {
            // The distillation's w, which is 0 at guidance 1.
            var strength = full([1], Scalar((scale - 1) * GuidanceScale), ScalarType.Float32, timesteps.device);
            waves = waves.Plus(guidanceProjection.Forward(Sinusoids.Of(strength, guidanceWidth!.Value, cosineFirst: false, GuidanceFrequencyShift).to(dtype)));
        }

        return perceptron.Forward(waves).MoveToOuterDisposeScope();
    }
}
