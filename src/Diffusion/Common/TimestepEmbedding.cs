using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>The timestep embedding: <see cref="Sinusoids"/> followed by a perceptron.</summary>
internal sealed class TimestepEmbedding(
    WeightScope weights, int channels, int embedding, bool cosineFirst, double frequencyShift, int? guidanceWidth = null)
{
    // Distilled networks take guidance in thousandths, like timesteps, but with a different frequency shift from that of timesteps.
    private const double GuidanceScale = 1000, GuidanceFrequencyShift = 1;

    private readonly Linear? guidanceProjection = guidanceWidth is { } width ? new(weights["cond_proj"], width, channels, bias: false) : null;
    private readonly EmbeddingMlp perceptron = new(weights, channels, embedding);

    /// <summary>Computes the embedding.</summary>
    /// <param name="timesteps">[B] or [1].</param>
    /// <param name="dtype">The compute type.</param>
    /// <param name="guidance">Guidance of each row as an input, for networks that were distilled to take it (Meng et al., arXiv 2210.03142).</param>
    /// <param name="eachWithEach">Whether to combine every timestep with every row.</param>
    /// <returns>[rows or 1, embedding], or [timesteps, rows or 1, embedding].</returns>
    public Tensor Forward(Tensor timesteps, ScalarType dtype, IReadOnlyList<double>? guidance = null, bool eachWithEach = false)
    {
        using var scope = NewDisposeScope();
        var waves = Sinusoids.Of(timesteps, channels, cosineFirst, frequencyShift).to(dtype);
        if (eachWithEach)
            waves = waves.unsqueeze(1);
        if (guidanceProjection is not null && guidance is not null)
        {
            // The distillation's w, which is 0 at guidance 1. In most runs all rows have the same guidance, which a kernel writes; a copy to a GPU would wait for all queued work.
            double[] strengths = [.. guidance.Distinct().Count() == 1 ? guidance.Take(1) : guidance];
            var strength = strengths is [var only] ? full([1], Scalar((only - 1) * GuidanceScale), ScalarType.Float32, timesteps.device)
                : tensor(Array.ConvertAll(strengths, scale => (float)((scale - 1) * GuidanceScale)), device: timesteps.device);
            waves = waves.Plus(guidanceProjection.Forward(Sinusoids.Of(strength, guidanceWidth!.Value, cosineFirst: false, GuidanceFrequencyShift).to(dtype)));
        }

        return perceptron.Forward(waves).MoveToOuterDisposeScope();
    }
}
