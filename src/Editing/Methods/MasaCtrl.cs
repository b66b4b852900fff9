using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// MasaCtrl, mutual self-attention (Cao et al. 2023, arXiv 2304.08465): the edit lays out its own picture from its prompt, which can change pose and action,
/// and then looks up the source's appearance. From a step S and a layer L on, its self-attention is
/// <code>
/// (1)  softmax(Q_e·K_sᵀ/√d)·V_s
/// </code>
/// with its own queries Q_e and the source's keys K_s and values V_s, in both halves of classifier-free guidance. Cross-attention is not touched. The masked
/// variant keeps the subject and the background apart. With the region M of the subject, where the min-max-scaled cross-attention of its words, averaged over
/// the layers of one size that ran at this step, is at least a threshold,
/// <code>
/// (2)  f = softmax(Q_e·K_sᵀ/√d over the positions of M_s)·V_s
/// (3)  b = softmax(Q_e·K_sᵀ/√d over the positions outside M_s)·V_s
/// (4)  M_e·f + (1 − M_e)·b
/// </code>
/// </summary>
public sealed record MasaCtrl : EditMethod
{
    /// <summary>Layers of the network that <see cref="ShareLayer"/> counts: those of Stable Diffusion 1.</summary>
    public const int Layers = 16;

    /// <inheritdoc/>
    public override string Name => "masactrl";

    /// <summary>S: part of the steps before the edit reads the source, 0 to 1; above 0 it is at least one step. The paper's 4 of 50 steps by default.</summary>
    public double ShareStart { get; init; } = 0.08;

    /// <summary>
    /// L: the first layer that reads the source, counted from 0 to <see cref="Layers"/> as in Stable Diffusion 1; other networks use the layer at the same part
    /// of their own. 10 by default, the decoder's two finer levels.
    /// </summary>
    public int ShareLayer { get; init; } = 10;

    /// <summary>Words of the subject, for the masked variant; null for the plain one.</summary>
    public BlendWords? Subject { get; init; }

    /// <summary>The subject's region is where its scaled attention is at least this, 0 to 1.</summary>
    public double SubjectThreshold { get; init; } = 0.1;

    /// <inheritdoc/>
    public override void Validate()
    {
        RequireRange(ShareStart, 0.0, 1.0, nameof(ShareStart));
        RequireRange(ShareLayer, 0, Layers, nameof(ShareLayer));
        RequireRange(SubjectThreshold, 0.0, 1.0, nameof(SubjectThreshold));
    }

    internal override bool ReadsActivations => true;

    internal override BlendWords? Words => Subject;

    internal override string RowByRowAdvice(Func<string, string> nameOf) => $"leave {nameOf(nameof(Subject))} out";

    internal override AttentionProcessor Attention(MethodRun run, AttentionProcessor inner) => new MutualSelfAttention(this, run, inner);

    private sealed class MutualSelfAttention(MasaCtrl method, MethodRun run, AttentionProcessor inner) : SourceSharing(run.Source, inner), IDisposable
    {
        // At least one step lays the picture out, however few there are.
        private readonly int firstStep = method.ShareStart == 0 ? 0 : Math.Max(1, (int)(method.ShareStart * run.Steps));
        private readonly SubjectMaps? maps = run.Tokens is { } tokens ? new(tokens, run.MapSize) : null;

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            maps?.Add(call, query, key);
            if (!Shares(call))
                return Inner.Attend(call, query, key, value);
            using var scope = NewDisposeScope();
            var ofSource = OfSource(SourcePart.Key, call.Step, call.Site.Index, key);
            var values = OfSource(SourcePart.Value, call.Step, call.Site.Index, value);
            var output = Inner.Attend(call, query, ofSource, values);
            return (maps is null ? output : Masked(call, maps, query, ofSource, values, output)).MoveToOuterDisposeScope();
        }

        public void Dispose() => maps?.Dispose();

        // Each transformer block has a self- and a cross-attention layer. Of Stable Diffusion 1's 16 blocks, the last six follow from 10; of XL's 70, the
        // last 26 (the authors use 44 there), and of the embedded model's seven, the last two.
        private bool Shares(in AttentionCall call) => call.Site.Kind == AttentionKind.Self && call.Step.Index >= firstStep
            && call.Site.Index / 2 * Layers >= method.ShareLayer * run.Network.TransformerBlocks;

        private Tensor Masked(AttentionCall call, SubjectMaps maps, Tensor query, Tensor key, Tensor value, Tensor output)
        {
            if (RegionOfSource(call.Step, call.Site.Index, query, () => maps.Region(0, call, method.SubjectThreshold, query)) is not { } source)
                return output;
            var subject = source.gt(Scalar(0.5));
            return cat([.. call.Step.Rows.Select((row, i) => row.Prompt == 0 ? output.narrow(0, i, 1) : Edit(row, i))], 0);

            Tensor Edit(BatchRow row, int i)
            {
                var region = maps.Region(row.Prompt, call, method.SubjectThreshold, query)!.view(1, 1, -1, 1);
                return (region * Over(subject, i)).Plus(OneMinus(region) * Over(subject.logical_not(), i));
            }

            // An empty region has no position to look at, so all of them are open.
            Tensor Over(Tensor positions, int i)
            {
                var places = positions.nonzero().squeeze(1);
                var (q, k, v) = (query.narrow(0, i, 1), key.narrow(0, i, 1), value.narrow(0, i, 1));
                return places.numel() == 0 ? ScaledDotProduct.Attend(q, k, v) : ScaledDotProduct.Attend(q, k.index_select(2, places), v.index_select(2, places));
            }
        }
    }

    /// <summary>The cross-attention of the subject's words at the latest step, by prompt.</summary>
    private sealed class SubjectMaps(IReadOnlyList<IReadOnlyList<int>> tokens, (int Height, int Width) size) : IDisposable
    {
        private readonly Dictionary<int, (Tensor Sum, int Layers)> sums = [];
        private int step = -1;

        public void Add(in AttentionCall call, Tensor query, Tensor key)
        {
            if (call.Step.Index != step)
                Forget(call.Step.Index);
            if (call.Site.Kind != AttentionKind.Cross || (call.Height, call.Width) != size)
                return;
            using var scope = NewDisposeScope();
            for (var i = 0; i < call.Step.Rows.Count; i++)
            {
                var (prompt, conditional) = call.Step.Rows[i];
                if (!conditional || tokens[prompt].Count == 0)
                    continue;
                var places = tensor(tokens[prompt].Select(token => (long)token).ToArray(), device: query.device);
                var map = ScaledDotProduct.Probabilities(query.narrow(0, i, 1), key.narrow(0, i, 1)).to(ScalarType.Float32).mean([0, 1]).index_select(1, places).sum(1);
                var (sum, layers) = sums.GetValueOrDefault(prompt);
                sums[prompt] = ((sum is null ? map : sum.Plus(map)).DetachFromDisposeScope(), layers + 1);
                sum?.Dispose();
            }
        }

        /// <summary>The region of a prompt's subject at the size of a layer, [positions] of 0 and 1; null before the first map of a step.</summary>
        public Tensor? Region(int prompt, AttentionCall call, double threshold, Tensor like)
        {
            if (tokens[prompt].Count == 0)
                return zeros(call.Positions, like.dtype, like.device);
            if (!sums.TryGetValue(prompt, out var found))
                return null;
            var map = found.Sum / Scalar(found.Layers);
            var scaled = (map - map.min()) / (map.max() - map.min());
            var sized = nn.functional.interpolate(scaled.view(1, 1, size.Height, size.Width), [call.Height, call.Width], mode: InterpolationMode.Nearest);
            return sized.ge(Scalar(threshold)).to(like.dtype).flatten();
        }

        public void Dispose() => Forget(step);

        private void Forget(int next)
        {
            foreach (var (sum, _) in sums.Values)
                sum.Dispose();
            sums.Clear();
            step = next;
        }
    }
}
