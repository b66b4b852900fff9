using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>The two-layer perceptron that computes the embedding for the residual blocks: [B, channels] → [B, embedding].</summary>
internal sealed class EmbeddingMlp(WeightScope weights, int channels, int embedding)
{
    private readonly Linear first = new(weights["linear_1"], channels, embedding);
    private readonly Linear second = new(weights["linear_2"], embedding, embedding);

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return second.Forward(Activations.Silu(first.Forward(x))).MoveToOuterDisposeScope();
    }
}
