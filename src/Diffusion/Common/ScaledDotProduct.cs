using PromptToPrompt.Diffusion.Common.Cpu;
using TorchSharp;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>softmax(QKᵀ/√d)·V (Vaswani et al., arXiv 1706.03762, equation 1) over [rows, heads, tokens, width].</summary>
public static class ScaledDotProduct
{
    // Scores per block of the explicit form: 32 MB in bfloat16, about the size of a last-level cache.
    private const long BlockScores = 1 << 24;

    /// <summary>Attention that never holds all probabilities in memory, unless libtorch computes it in bfloat16 for a gradient.</summary>
    /// <param name="query">[rows, heads, queries, width].</param>
    /// <param name="key">[rows, heads, keys, width].</param>
    /// <param name="value">[rows, heads, keys, value width].</param>
    /// <param name="causal">Whether query i attends to keys 0…i only.</param>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, bool causal = false)
    {
        if (!causal && AttentionKernel.Suits(query, key, value))
            return AttentionKernel.Apply(query, key, value);
        // On a CPU, libtorch's fused kernel is slow in bfloat16: it takes 1.4 times as long as the explicit form, and twice as long backwards. Rounding
        // the scores to bfloat16 adds no noticeable error to that of the U-Net's other layers.
        return query.dtype == ScalarType.BFloat16 && query.device_type != DeviceType.CUDA
            ? AttendInBlocks(query, key, value, causal)
            : nn.functional.scaled_dot_product_attention(query, key, value, is_casual: causal);
    }

    // Processes some heads at a time; if a single head is too large, some of its queries at a time.
    private static Tensor AttendInBlocks(Tensor query, Tensor key, Tensor value, bool causal)
    {
        using var scope = NewDisposeScope();
        var (queries, keys) = (query.shape[^2], key.shape[^2]);
        var heads = Math.Max(1, BlockScores / (queries * keys));
        if (heads >= query.shape[0] * query.shape[1])
            return matmul(Probabilities(query, key, causal), value).MoveToOuterDisposeScope();
        // A causal mask needs whole heads; text is short.
        var rows = causal ? queries : Math.Max(1, BlockScores / keys);
        var (allKeys, allValues) = (key.flatten(0, 1).split(heads), value.flatten(0, 1).split(heads));
        var blocks = query.flatten(0, 1).split(heads).Select((head, i) => cat(
            [.. head.split(rows, 1).Select(some => AttendBlock(some, allKeys[i], allValues[i], causal))], 1)).ToList();
        return cat(blocks, 0).view(query.shape[0], query.shape[1], queries, value.shape[^1]).MoveToOuterDisposeScope();
    }

    private static Tensor AttendBlock(Tensor query, Tensor key, Tensor value, bool causal)
    {
        using var scope = NewDisposeScope();
        return matmul(Probabilities(query, key, causal), value).MoveToOuterDisposeScope();
    }

    /// <summary>The attention probabilities, [rows, heads, queries, keys]; each row sums to 1.</summary>
    /// <inheritdoc cref="Attend"/>
    public static Tensor Probabilities(Tensor query, Tensor key, bool causal = false)
    {
        using var scope = NewDisposeScope();
        var scores = matmul(query * Scalar(1 / Math.Sqrt(query.shape[^1])), key.transpose(-2, -1));
        if (causal)
        {
            var hidden = ones(scores.shape[^2], scores.shape[^1], dtype: ScalarType.Bool, device: scores.device).triu(1);
            scores = scores.masked_fill(hidden, Scalar(double.NegativeInfinity));
        }

        return nn.functional.softmax(scores, -1).MoveToOuterDisposeScope();
    }
}
