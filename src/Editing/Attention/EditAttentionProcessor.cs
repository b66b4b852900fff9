using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// Prompt-to-Prompt (Hertz et al., arXiv 2208.01626) as an attention processor. With A_s and A_e the cross-attention maps of the source and
/// of the edit, an edited layer outputs A_s·(P·V_e) + A_e·(diag(r)·V_e): two fused attentions on transformed values, without a map in memory.
/// Injected self-attention is softmax(Q_s·K_sᵀ/√d)·V_e. Unconditional rows have no edit of cross-attention, and take the self-attention of the
/// source's unconditional row if the edit asks for it.
/// </summary>
/// <param name="edits">The edit of each prompt of the run; null for the source and for unedited prompts.</param>
/// <param name="recording">Receives the source's queries and keys, or supplies them if the source is not in the batch.</param>
/// <param name="maps">Collects cross-attention maps; null to collect none.</param>
/// <param name="self">Collects the source's self-attention; null to collect none.</param>
/// <param name="keepsTexts">Whether steps share the keys and values of the text.</param>
internal sealed class EditAttentionProcessor(
    IReadOnlyList<EditSchedule?> edits, SourceRecording? recording = null, AttentionMaps? maps = null, SelfAttentionMap? self = null, bool keepsTexts = true)
    : AttentionProcessor, IDisposable
{
    private readonly Dictionary<CrossAttentionEdit, (Tensor P, Tensor R)> matrices = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<AttentionSite, TextParts> texts = [];

    /// <inheritdoc/>
    public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        var layer = new Layer(call, query, key, value, SourceRow(call));
        if (layer.SourceRow is { } row)
            recording?.Write(call, query.narrow(0, row, 1), key.narrow(0, row, 1));
        if (recording is { SelfUnconditional: true } && call.Site.Kind == AttentionKind.Self && RowOf(call, prompt: 0, conditional: false) is { } free)
            recording.Write(call, query.narrow(0, free, 1), key.narrow(0, free, 1), conditional: false);
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

        foreach (var text in texts.Values)
            text.Dispose();
        matrices.Clear();
        texts.Clear();
    }

    // The source's queries and keys: from its row of this batch, or from a recording.
    private (Tensor Query, Tensor Key)? Source(Layer layer, bool conditional = true)
    {
        if (RowOf(layer.Call, prompt: 0, conditional) is { } row)
            return (layer.Query.narrow(0, row, 1), layer.Key.narrow(0, row, 1));
        return Rows(layer.Call).Any(other => other.Conditional == conditional) ? recording?.Read(layer.Call, layer.Query, conditional) : null;
    }

    private Tensor AttendSelf(Layer layer)
    {
        var call = layer.Call;
        var injected = Rows(call).Select(row => edits[row.Prompt]?.InjectsSelfAttention(call.Step.Index, call.Height, call.Width, row.Conditional) == true).ToList();
        var collects = self?.Collects(call) == true && CountsSource(call);
        var ofConditional = collects || Injects(conditional: true) ? Source(layer) : null;
        var ofUnconditional = Injects(conditional: false) ? Source(layer, conditional: false) : null;
        if (collects && ofConditional is { } collected)
            self!.Add(ScaledDotProduct.Probabilities(collected.Query, collected.Key));
        var sources = Rows(call).Zip(injected, (row, isInjected) => !isInjected ? null : row.Conditional ? ofConditional : ofUnconditional).ToList();
        if (sources.All(source => source is null))
            return ScaledDotProduct.Attend(layer.Query, layer.Key, layer.Value);
        return ScaledDotProduct.Attend(
            cat(Runs(sources, source => source?.Query, layer.Query), 0), cat(Runs(sources, source => source?.Key, layer.Key), 0), layer.Value);

        bool Injects(bool conditional) => Rows(call).Zip(injected).Any(row => row.Second && row.First.Conditional == conditional);
    }

    // Every row contributes its own attention to R·V; edited rows add the source's attention to P·V. One fused call computes all parts.
    private Tensor AttendCross(Layer layer)
    {
        var active = ActiveEdits(layer.Call);
        if (active.All(edit => edit is null) || Source(layer) is not { } source)
        {
            Forget(layer.Call.Site);
            return ScaledDotProduct.Attend(layer.Query, layer.Key, layer.Value);
        }

        var text = PartsOf(layer, source.Key, active);
        var parts = ScaledDotProduct.Attend(text.Order.Arrange(layer.Query, source.Query), text.Keys, text.Values);
        var both = text.Order.Both;
        if (both.Count == 0)
            return parts;
        for (var i = 0; i < both.Count; i++)
            parts.narrow(0, both[i], 1).AddInPlace(parts.narrow(0, active.Count + i, 1));
        return parts.narrow(0, 0, active.Count);
    }

    // The edit of each row at this step; null where there is nothing to do.
    private List<CrossAttentionEdit?> ActiveEdits(in AttentionCall call)
    {
        var step = call.Step.Index;
        return [.. Rows(call).Select(row => Edit(row)?.At(step) is { IsIdentity: false } edit ? edit : null)];
    }

    // The keys and values of all parts change with the text and the edit, not with the latents, so most steps share them.
    private TextParts PartsOf(Layer layer, Tensor sourceKey, List<CrossAttentionEdit?> active)
    {
        if (texts.TryGetValue(layer.Call.Site, out var earlier) && ReferenceEquals(earlier.Value, layer.Value) && earlier.Order.Active.SequenceEqual(active))
            return earlier;
        Forget(layer.Call.Site);
        var order = new PartOrder(active);
        List<Tensor> values = [.. active.Select((edit, row) => edit is null ? Value(row) : edit.IgnoresOwnMap ? FromSource(edit, row) : Value(row) * Matrices(edit, layer.Value).R)];
        values.AddRange(order.Both.Select(row => FromSource(active[row]!, row)));
        var made = new TextParts(layer.Value, order, order.Arrange(layer.Key, sourceKey), cat(values, 0));
        if (keepsTexts)
        {
            made.Keys.DetachFromDisposeScope();
            made.Values.DetachFromDisposeScope();
            texts.Add(layer.Call.Site, made);
        }

        return made;

        Tensor Value(int row) => layer.Value.narrow(0, row, 1);

        Tensor FromSource(CrossAttentionEdit edit, int row) => matmul(Matrices(edit, layer.Value).P, Value(row));
    }

    private void Forget(AttentionSite site)
    {
        if (texts.Remove(site, out var text))
            text.Dispose();
    }

    // The same computation with explicit maps, which are collected.
    private Tensor AttendWithMaps(Layer layer, AttentionMaps watcher)
    {
        var rows = Rows(layer.Call);
        var readsSource = CountsSource(layer.Call) || rows.Any(row => Edit(row) is not null);
        var sourceMap = readsSource && Source(layer) is { } source ? ScaledDotProduct.Probabilities(source.Query, source.Key) : null;
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
    private bool CountsSource(in AttentionCall call) => SourceRow(call) is not null || (recording is { IsComplete: true } && RowOf(call, prompt: 1) is not null);

    private static int? SourceRow(in AttentionCall call) => RowOf(call, prompt: 0);

    private static IReadOnlyList<BatchRow> Rows(in AttentionCall call) => call.Step.Rows;

    private static int? RowOf(in AttentionCall call, int prompt, bool conditional = true)
    {
        for (var i = 0; i < call.Step.Rows.Count; i++)
        {
            if (call.Step.Rows[i] == new BatchRow(prompt, conditional))
                return i;
        }

        return null;
    }

    // The rows of a batch, some of them replaced; neighbors stay together.
    private static List<Tensor> Runs<T>(List<T> rows, Func<T, Tensor?> replacement, Tensor batch)
    {
        var runs = new List<Tensor>();
        for (var first = 0; first < rows.Count;)
        {
            if (replacement(rows[first]) is { } other)
            {
                runs.Add(other);
                first++;
                continue;
            }

            var next = first + 1;
            while (next < rows.Count && replacement(rows[next]) is null)
                next++;
            runs.Add(next - first == rows.Count ? batch : batch.narrow(0, first, next - first));
            first = next;
        }

        return runs;
    }

    /// <summary>The keys and values of an edited layer, made from its <paramref name="Value"/>.</summary>
    private sealed record TextParts(Tensor Value, PartOrder Order, Tensor Keys, Tensor Values) : IDisposable
    {
        public void Dispose()
        {
            Keys.Dispose();
            Values.Dispose();
        }
    }

    /// <summary>One part for each row, then a second one for each edit that has both a part of its own and one of the source.</summary>
    /// <param name="active">The edit of each row.</param>
    private sealed class PartOrder(List<CrossAttentionEdit?> active)
    {
        public List<CrossAttentionEdit?> Active => active;

        /// <summary>The rows with two parts.</summary>
        public List<int> Both { get; } = [.. Enumerable.Range(0, active.Count).Where(row => active[row] is { IgnoresOwnMap: false })];

        /// <summary>Queries or keys of all parts, a new tensor.</summary>
        /// <param name="batch">Those of the rows.</param>
        /// <param name="source">That of the source.</param>
        public Tensor Arrange(Tensor batch, Tensor source)
        {
            var parts = Runs(active, edit => edit is { IgnoresOwnMap: true } ? source : null, batch);
            parts.AddRange(Both.Select(_ => source));
            // Of a single tensor, cat may make an alias.
            return parts.Count == 1 ? parts[0].clone() : cat(parts, 0);
        }
    }

    private readonly record struct Layer(AttentionCall Call, Tensor Query, Tensor Key, Tensor Value, int? SourceRow)
    {
        public (Tensor Query, Tensor Key, Tensor Value) Row(int i) => (Query.narrow(0, i, 1), Key.narrow(0, i, 1), Value.narrow(0, i, 1));
    }
}
