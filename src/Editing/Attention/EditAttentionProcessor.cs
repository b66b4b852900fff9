using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// Prompt-to-Prompt (Hertz et al., arXiv 2208.01626) as an attention processor. With A_s and A_e the cross-attention maps of the source and
/// of the edit, an edited layer outputs A_s·(P·V_e) + A_e·(diag(r)·V_e): two fused attentions on transformed values, without a map in memory.
/// Injected self-attention is softmax(Q_s·K_sᵀ/√d)·V_e. Unconditional rows are never changed.
/// </summary>
/// <param name="edits">The edit of each prompt of the run; null for the source and for unedited prompts.</param>
/// <param name="recording">Receives the source's queries and keys, or supplies them if the source is not in the batch.</param>
/// <param name="maps">Collects cross-attention maps; null to collect none.</param>
/// <param name="self">Collects the source's self-attention; null to collect none.</param>
internal sealed class EditAttentionProcessor(
    IReadOnlyList<EditSchedule?> edits, SourceRecording? recording = null, AttentionMaps? maps = null, SelfAttentionMap? self = null)
    : AttentionProcessor, IDisposable
{
    private readonly Dictionary<CrossAttentionEdit, (Tensor P, Tensor R)> matrices = new(ReferenceEqualityComparer.Instance);

    /// <inheritdoc/>
    public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        var layer = new Layer(call, query, key, value, QueryAndKeyOfSource(call, query, key));
        var result = call.Site.Kind == AttentionKind.Self ? AttendSelf(layer)
            : maps?.Collects(call) == true ? AttendWithMaps(layer, maps)
            : AttendCross(layer);
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (p, r) in matrices.Values)
        {
            p.Dispose();
            r.Dispose();
        }

        matrices.Clear();
    }

    // The source's queries and keys: from its row of this batch (which a recording keeps), or from an earlier recording. Unconditional
    // rows never use them.
    private (Tensor Query, Tensor Key)? QueryAndKeyOfSource(in AttentionCall call, Tensor query, Tensor key)
    {
        if (Rows(call).Count > 0 && Rows(call).All(r => !r.Conditional))
            return null;
        var row = RowOf(call, prompt: 0);
        if (row < 0)
            return recording?.Read(call, query.dtype);
        var source = (query.narrow(0, row, 1), key.narrow(0, row, 1));
        recording?.Write(call, source.Item1, source.Item2);
        return source;
    }

    private Tensor AttendSelf(Layer layer)
    {
        if (layer.Source is not { } source)
            return ScaledDotProduct.Attend(layer.Query, layer.Key, layer.Value);
        var call = layer.Call;
        if (self?.Collects(call) == true && CountsSource(call))
            self.Add(ScaledDotProduct.Probabilities(source.Query, source.Key));
        var injected = Rows(call).Select(row => Edit(row) is { } edit && edit.InjectsSelfAttention(call.Step.Index, call.Height, call.Width)).ToList();
        if (!injected.Contains(true))
            return ScaledDotProduct.Attend(layer.Query, layer.Key, layer.Value);
        return ScaledDotProduct.Attend(Substitute(layer.Query, source.Query, injected), Substitute(layer.Key, source.Key, injected), layer.Value);
    }

    // Every row contributes its own attention to R·V; edited rows add the source's attention to P·V. One fused call computes them all.
    private Tensor AttendCross(Layer layer)
    {
        var rows = Rows(layer.Call);
        var active = rows.Select(row => Edit(row)?.At(layer.Call.Step.Index)).Select(edit => edit is null or { IsIdentity: true } ? null : edit).ToList();
        if (layer.Source is not { } source || active.All(edit => edit is null))
            return ScaledDotProduct.Attend(layer.Query, layer.Key, layer.Value);
        var (queries, keys, values, owners) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>(), new List<int>());
        for (var i = 0; i < rows.Count; i++)
        {
            var (query, key, value) = layer.Row(i);
            var edit = active[i];
            if (edit is null || !edit.IgnoresOwnMap)
                Add(query, key, edit is null ? value : value * Matrices(edit, value).R, i);
            if (edit is not null)
                Add(source.Query, source.Key, matmul(Matrices(edit, value).P, value), i);
        }

        var parts = ScaledDotProduct.Attend(cat(queries, 0), cat(keys, 0), cat(values, 0));
        var outputs = new Tensor?[rows.Count];
        for (var part = 0; part < owners.Count; part++)
        {
            ref var output = ref outputs[owners[part]];
            output = output is null ? parts.narrow(0, part, 1) : output.Plus(parts.narrow(0, part, 1));
        }

        return cat([.. outputs.Select(output => output!)], 0);

        void Add(Tensor query, Tensor key, Tensor value, int owner)
        {
            queries.Add(query);
            keys.Add(key);
            values.Add(value);
            owners.Add(owner);
        }
    }

    // The same computation with explicit maps, which are collected.
    private Tensor AttendWithMaps(Layer layer, AttentionMaps watcher)
    {
        var rows = Rows(layer.Call);
        var sourceMap = layer.Source is { } source ? ScaledDotProduct.Probabilities(source.Query, source.Key) : null;
        if (sourceMap is not null && CountsSource(layer.Call))
            watcher.Add(layer.Call, prompt: 0, sourceMap);
        var outputs = new Tensor[rows.Count];
        for (var i = 0; i < rows.Count; i++)
        {
            var (query, key, value) = layer.Row(i);
            if (!rows[i].Conditional)
            {
                outputs[i] = ScaledDotProduct.Attend(query, key, value);
                continue;
            }

            var map = rows[i].Prompt == 0 && sourceMap is not null ? sourceMap : ScaledDotProduct.Probabilities(query, key);
            if (Edit(rows[i])?.At(layer.Call.Step.Index) is { IsIdentity: false } edit && sourceMap is not null)
            {
                var (p, r) = Matrices(edit, value);
                map = matmul(sourceMap, p).Plus(map * r.transpose(0, 1));
            }

            if (rows[i].Prompt != 0)
                watcher.Add(layer.Call, rows[i].Prompt, map);
            outputs[i] = matmul(map, value);
        }

        return cat(outputs, 0);
    }

    private EditSchedule? Edit(BatchRow row) => row.Conditional ? edits[row.Prompt] : null;

    private (Tensor P, Tensor R) Matrices(CrossAttentionEdit edit, Tensor like)
    {
        if (matrices.TryGetValue(edit, out var pair))
            return pair;
        var n = edit.Tokens;
        pair = (tensor(edit.P, [n, n], device: CPU).to(like.dtype, like.device).DetachFromDisposeScope(),
            tensor(edit.R, [n, 1], device: CPU).to(like.dtype, like.device).DetachFromDisposeScope());
        matrices.Add(edit, pair);
        return pair;
    }

    // The source's maps are counted once: with its own row or, if that is not in the run, with the first edit's.
    private bool CountsSource(in AttentionCall call) => RowOf(call, prompt: 0) >= 0 || (recording is { IsComplete: true } && RowOf(call, prompt: 1) >= 0);

    private static IReadOnlyList<BatchRow> Rows(in AttentionCall call) => call.Step.Rows;

    private static int RowOf(in AttentionCall call, int prompt)
    {
        for (var i = 0; i < call.Step.Rows.Count; i++)
        {
            if (call.Step.Rows[i] == new BatchRow(prompt, Conditional: true))
                return i;
        }

        return -1;
    }

    private static Tensor Substitute(Tensor rows, Tensor source, List<bool> where)
        => cat([.. where.Select((replace, i) => replace ? source : rows.narrow(0, i, 1))], 0);

    private readonly record struct Layer(AttentionCall Call, Tensor Query, Tensor Key, Tensor Value, (Tensor Query, Tensor Key)? Source)
    {
        public (Tensor Query, Tensor Key, Tensor Value) Row(int i) => (Query.narrow(0, i, 1), Key.narrow(0, i, 1), Value.narrow(0, i, 1));
    }
}
