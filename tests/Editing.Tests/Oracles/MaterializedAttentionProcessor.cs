using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Oracles;

/// <summary>
/// Prompt-to-Prompt written down as its definition reads: each layer's map is computed in float32, changed between softmax and values, and
/// kept together with its sum over the steps, as the published implementations do. Tests compare the product with it, benchmarks too.
/// </summary>
/// <param name="edits">The edit of each prompt; null for the source, prompt 0, which must be in the batch.</param>
internal sealed class MaterializedAttentionProcessor(IReadOnlyList<EditSchedule?> edits) : AttentionProcessor, IDisposable
{
    private readonly Dictionary<int, AttentionSite> sites = [];
    private readonly Dictionary<int, Tensor> current = [];
    private readonly Dictionary<int, Tensor> sums = [];

    public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        var own = ScaledDotProduct.Probabilities(query.to(ScalarType.Float32), key.to(ScalarType.Float32)).unbind(0);
        var rows = call.Step.Rows;
        var maps = new Tensor[own.Length];
        for (var i = 0; i < maps.Length; i++)
        {
            var source = own[rows.ToList().IndexOf(new BatchRow(0, rows[i].Conditional))];
            maps[i] = edits[rows[i].Prompt] is { } edit ? Edited(call, edit, rows[i].Conditional, source, own[i]) : own[i];
        }

        sites[call.Site.Index] = call.Site;
        Keep(call.Site.Index, stack(maps.Where((_, i) => rows[i].Conditional)));
        return matmul(stack(maps), value.to(ScalarType.Float32)).to(value.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Maps of the cross-attention layers with this many positions, summed over the steps so far and averaged over layers and heads:
    /// [prompts, positions, tokens].
    /// </summary>
    public Tensor CrossMaps(int positions)
    {
        var layers = current.Where(map => sites[map.Key].Kind == AttentionKind.Cross && map.Value.shape[2] == positions)
            .Select(map => sums.TryGetValue(map.Key, out var sum) ? sum.Plus(map.Value) : map.Value);
        return cat([.. layers], 1).mean([1]);
    }

    public void Dispose()
    {
        foreach (var map in current.Values.Concat(sums.Values))
            map.Dispose();
        current.Clear();
        sums.Clear();
    }

    private static Tensor Edited(in AttentionCall call, EditSchedule edit, bool conditional, Tensor source, Tensor own)
    {
        if (call.Site.Kind == AttentionKind.Self)
            return edit.InjectsSelfAttention(call.Step.Index, call.Height, call.Width, conditional) ? source : own;
        if (!conditional)
            return own;
        var cross = edit.At(call.Step.Index);
        return matmul(source, tensor(cross.P, [cross.Tokens, cross.Tokens])).Plus(own * tensor(cross.R));
    }

    private void Keep(int site, Tensor maps)
    {
        if (current.Remove(site, out var previous))
        {
            if (sums.TryGetValue(site, out var sum))
            {
                sum.AddInPlace(previous);
                previous.Dispose();
            }
            else
            {
                sums.Add(site, previous);
            }
        }

        current.Add(site, maps.DetachFromDisposeScope());
    }
}
