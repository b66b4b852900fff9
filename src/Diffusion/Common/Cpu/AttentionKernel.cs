using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>
/// softmax(QKᵀ/√d)·V in float32 without the matrix of scores, which is computed in blocks that stay in the processor's caches (Dao et al., FlashAttention,
/// arXiv 2205.14135). At a U-Net's finest levels libtorch's kernel reaches half of the processor's rate of multiplication.
/// </summary>
/// <remarks>
/// A block of scores has the queries along the vectors, so that the maximum and the sum of each query's scores are taken without moving numbers inside
/// vectors. The results of a query do not depend on other queries, other rows or the number of threads.
/// </remarks>
internal static unsafe class AttentionKernel
{
    /// <summary>Keys in a block: its scores of one tile, and as many values, fit in a first-level cache.</summary>
    public const int KeyBlock = 128;

    /// <summary>Queries that a block of keys is used for before the next one.</summary>
    public const int QueryBlock = 4 * Tile.Width;

    /// <summary>Whether this class can compute the attention.</summary>
    /// <param name="query">[rows, heads, queries, width].</param>
    /// <param name="key">[rows, heads, keys, width].</param>
    /// <param name="value">[rows, heads, keys, value width].</param>
    public static bool Suits(Tensor query, Tensor key, Tensor value) =>
        Tile.IsSupported && ChannelsLast.Suits(query, key, value)
        && query.dim() == 4 && key.dim() == 4 && value.dim() == 4 && query.numel() > 0 && key.numel() > 0
        && query.shape[0] == key.shape[0] && query.shape[1] == key.shape[1] && query.shape[3] == key.shape[3]
        && key.shape.AsSpan(0, 3).SequenceEqual(value.shape.AsSpan(0, 3)) && value.shape[3] % Tile.Rows == 0 && value.shape[3] > 0;

    /// <summary>Computes the attention. Differentiable.</summary>
    /// <inheritdoc cref="Suits"/>
    /// <returns>[rows, heads, queries, value width]; heads of a position are adjacent in memory.</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value)
    {
        if (!ChannelsLast.NeedsGradient(query, key, value))
            return Attend(query, key, value, exponents: null);
        // Disposes the handles of saved tensors; the node makes its own after the forward pass.
        using var scope = NewDisposeScope();
        return Differentiable.apply(query, key, value).MoveToOuterDisposeScope();
    }

    // exponents receives log₂ Σⱼ exp(scoreⱼ) of each query, [rows, heads, queries]; null if no gradient needs them.
    private static Tensor Attend(Tensor query, Tensor key, Tensor value, Tensor? exponents)
    {
        using var scope = NewDisposeScope();
        var (rows, heads, queries, keys) = (query.shape[0], query.shape[1], (int)query.shape[2], (int)key.shape[2]);
        var result = HeadsAdjacent(rows, heads, queries, value.shape[3]);
        var (q, k, v, o) = (new Heads(query), new Heads(key), new Heads(value), new Heads(result));
        var logs = exponents is null ? null : ChannelsLast.Floats(exponents);
        var blocks = (queries + QueryBlock - 1) / QueryBlock;
        ChannelsLast.Split((int)(rows * heads) * blocks, (long)QueryBlock * keys * q.Width, (begin, end) =>
        {
            using var work = new AttentionBlocks(keys, q.Width, v.Width);
            var copied = -1;
            for (var unit = begin; unit < end; unit++)
            {
                var (head, first) = (unit / blocks, unit % blocks * QueryBlock);
                if (head != copied)
                    work.Take(k[head], v[head]);
                copied = head;
                work.Attend(q[head].From(first), Math.Min(QueryBlock, queries - first), o[head].From(first), logs == null ? null : logs + ((long)head * queries) + first);
            }
        });
        Keep(query, key, value, exponents);
        return result.MoveToOuterDisposeScope();
    }

    // [rows, heads, positions, width] in the order that the layer after the attention reads.
    private static Tensor HeadsAdjacent(long rows, long heads, long positions, long width) => empty_strided(
        [rows, heads, positions, width], [positions * heads * width, width, heads * width, 1], dtype: ScalarType.Float32, device: CPU);

    private static (Tensor Query, Tensor Key, Tensor Value) Gradients(Saved saved, Tensor gradient)
    {
        var (query, key, value) = (saved.Query, saved.Key, saved.Value);
        var (rows, heads, queries, keys) = (query.shape[0], query.shape[1], (int)query.shape[2], (int)key.shape[2]);
        var ofQuery = HeadsAdjacent(rows, heads, queries, query.shape[3]);
        var ofKey = HeadsAdjacent(rows, heads, keys, key.shape[3]);
        var ofValue = HeadsAdjacent(rows, heads, keys, value.shape[3]);
        var (q, k, v, o, d) = (new Heads(query), new Heads(key), new Heads(value), new Heads(saved.Result), new Heads(gradient));
        var (dq, dk, dv) = (new Heads(ofQuery), new Heads(ofKey), new Heads(ofValue));
        var logs = ChannelsLast.Floats(saved.Exponents);
        ChannelsLast.Split((int)(rows * heads), (long)queries * keys * q.Width, (begin, end) =>
        {
            using var work = new AttentionGradient(keys, q.Width, v.Width);
            for (var head = begin; head < end; head++)
            {
                work.Take(k[head], v[head]);
                for (var first = 0; first < queries; first += QueryBlock)
                {
                    var count = Math.Min(QueryBlock, queries - first);
                    work.Add(q[head].From(first), o[head].From(first), d[head].From(first), logs + ((long)head * queries) + first, count, dq[head].From(first));
                }

                work.Give(dk[head], dv[head]);
            }
        });
        Keep(query, key, value, saved.Result, saved.Exponents, gradient);
        return (ofQuery, ofKey, ofValue);
    }

    // Until here: the loops have only the addresses of their numbers.
    private static void Keep(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var tensor in tensors)
            GC.KeepAlive(tensor);
    }

    private sealed record Saved(Tensor Query, Tensor Key, Tensor Value, Tensor Result, Tensor Exponents);

    /// <summary>The matrices of a tensor's rows and heads, [positions, width] each; made contiguous along the width if they are not.</summary>
    private readonly struct Heads
    {
        private readonly float* start;
        private readonly long heads;
        private readonly long[] strides;

        public Heads(Tensor tensor)
        {
            var contiguous = tensor.stride()[3] == 1 || tensor.shape[3] == 1 ? tensor : tensor.contiguous();
            start = ChannelsLast.Floats(contiguous);
            (heads, Width, strides) = (tensor.shape[1], (int)tensor.shape[3], contiguous.stride());
        }

        public int Width { get; }

        public MatrixRows this[int index] => new(start + (index / heads * strides[0]) + (index % heads * strides[1]), strides[2]);
    }

    /// <summary>The attention as a node of an autograd graph.</summary>
    private sealed class Differentiable : autograd.SingleTensorFunction<Differentiable>
    {
        public override string Name => nameof(AttentionKernel);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            using var scope = NewDisposeScope();
            var (query, key, value) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
            var exponents = empty(query.shape[..3], dtype: ScalarType.Float32, device: CPU);
            var result = Attend(query, key, value, exponents);
            // Detached, so that the node does not hold itself.
            ctx.save_for_backward([query, key, value, result.detach().MoveToOuterDisposeScope(), exponents.MoveToOuterDisposeScope()]);
            return result.MoveToOuterDisposeScope();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var scope = NewDisposeScope();
            var saved = ctx.get_saved_variables();
            var (query, key, value) = Gradients(new Saved(saved[0], saved[1], saved[2], saved[3], saved[4]), grad_output);
            grad_output.Dispose();
            return [query.MoveToOuterDisposeScope(), key.MoveToOuterDisposeScope(), value.MoveToOuterDisposeScope()];
        }
    }
}
