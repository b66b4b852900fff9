using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Layers;

/// <summary><see cref="Sinusoids"/> of the timestep followed by a perceptron: [B] → [B, embedding].</summary>
internal sealed class TimestepEmbedding(WeightScope weights, int channels, int embedding, bool cosineFirst, double frequencyShift)
{
    private readonly EmbeddingPerceptron perceptron = new(weights, channels, embedding);

    public Tensor Forward(Tensor timesteps, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        return perceptron.Forward(Sinusoids.Of(timesteps, channels, cosineFirst, frequencyShift).to(dtype)).MoveToOuterDisposeScope();
    }
}
