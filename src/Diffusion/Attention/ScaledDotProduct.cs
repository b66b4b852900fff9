using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Attention;

/// <summary>softmax(QKᵀ/√d)·V (Vaswani et al., arXiv 1706.03762, equation 1) over [rows, heads, tokens, width].</summary>
public static class ScaledDotProduct
{
    /// <summary>Attention whose probabilities are never held in memory.</summary>
    /// <param name="query">[rows, heads, queries, width].</param>
    /// <param name="key">[rows, heads, keys, width].</param>
    /// <param name="value">[rows, heads, keys, value width].</param>
    /// <param name="causal">Whether query i sees keys 0…i only.</param>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, bool causal = false)
    {
        // The fused kernel's backward pass in bfloat16 is several times slower on a CPU than the written-out form.
        if (query.requires_grad && query.dtype == ScalarType.BFloat16 && query.device_type == DeviceType.CPU)
        {
            using var scope = NewDisposeScope();
            return matmul(Probabilities(query, key, causal), value).MoveToOuterDisposeScope();
        }

        return nn.functional.scaled_dot_product_attention(query, key, value, is_casual: causal);
    }

    /// <summary>The attention probabilities, [rows, heads, queries, keys]; each row sums to 1.</summary>
    /// <inheritdoc cref="Attend"/>
    public static Tensor Probabilities(Tensor query, Tensor key, bool causal = false)
    {
        using var scope = NewDisposeScope();
        var scores = matmul(query * (1 / Math.Sqrt(query.shape[^1])), key.transpose(-2, -1));
        if (causal)
        {
            var hidden = ones(scores.shape[^2], scores.shape[^1], dtype: ScalarType.Bool, device: scores.device).triu(1);
            scores = scores.masked_fill(hidden, double.NegativeInfinity);
        }

        return nn.functional.softmax(scores, -1).MoveToOuterDisposeScope();
    }
}
