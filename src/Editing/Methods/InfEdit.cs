using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// InfEdit's unified attention control (Xu et al. 2023, arXiv 2312.04965, algorithm 3), on an image inverted by <see cref="VirtualInversion"/>. Beside the source s
/// and the edit e runs a layout branch l: it has the source prompt and the source's guidance, starts from the same noise, and takes the same steps as the edit. Of N steps,
/// in the first τ_s·N all branches lay the image out as the source does; after them, the layout branch draws the source's contents in the layout of the edit (mutual
/// self-attention). With Attention(Q, K, V) = softmax(Q·Kᵀ/√d)·V,
/// <code>
/// (1)  in the first τ_s·N   l: Attention(Q_s, K_s, V_s)     e: Attention(Q_s, K_s, V_e)
/// (2)  after them           l: Attention(Q_e, K_s, V_s)     e: Attention(Q_e, K_e, V_e)
/// </code>
/// and in the first τ_c·N, the edit's cross-attention map M_e takes that of the layout branch for each token that has a counterpart A in the source prompt:
/// <code>
/// (3)  M_e[i, j] ← M_l[i, A(j)] if token j has a counterpart, else M_e[i, j]
/// </code>
/// Both act on the two halves of classifier-free guidance. The prompts of the unconditional half are equal, so that there each token is its own counterpart.
/// </summary>
/// <remarks>
/// In the steps of (1), the layout branch is the source itself: virtual inversion leads equal predictions to equal latents. If τ_c ≤ τ_s, the branch is of no use after
/// them and is not computed; (3) then reads M_s.
/// </remarks>
public sealed record InfEdit : EditMethod
{
    /// <inheritdoc/>
    public override string Name => "infedit";

    /// <summary>τ_c: part of the steps, from the first, whose cross-attention comes from the layout branch, 0 to 1.</summary>
    public double CrossPart { get; init; } = 0.7;

    /// <summary>τ_s: part of the steps, from the first, in which all branches have the source's self-attention, 0 to 1.</summary>
    public double SelfPart { get; init; } = 0.7;

    /// <inheritdoc/>
    public override void Validate()
    {
        RequireRange(CrossPart, 0.0, 1.0, nameof(CrossPart));
        RequireRange(SelfPart, 0.0, 1.0, nameof(SelfPart));
    }

    internal override void Validate(SamplingSettings sampling, InversionSettings? inversion)
    {
        RequireImage(inversion is not null);
        Require(
            inversion!.Method is VirtualInversion, "Method", $"{Name} needs virtual inversion and cannot be combined with {inversion.Method.Name}.",
            $"Use {UsualInversion}.");
    }

    internal override bool NeedsImage => true;

    internal override string UsualInversion => new VirtualInversion().Name;

    internal override bool ReadsActivations => true;

    internal override AlignmentKind? Alignment => AlignmentKind.Refine;

    // After the steps of (3), nothing reads the layout branch.
    internal override int CompanionSteps(int steps) => Count(SelfPart, steps) < Count(CrossPart, steps) ? Count(CrossPart, steps) : 0;

    internal override string RowByRowAdvice(Func<string, string> nameOf) => $"make {nameOf(nameof(SelfPart))} at least as large as {nameOf(nameof(CrossPart))}";

    internal override AttentionProcessor Attention(MethodRun run, AttentionProcessor inner) => new UnifiedControl(this, run, inner);

    private static int Count(double part, int steps) => Enumerable.Range(0, steps).Count(step => IsIn(part, step, steps));

    private static bool IsIn(double part, int step, int steps) => (step + 1.0) / steps <= part;

    private sealed class UnifiedControl(InfEdit method, MethodRun run, AttentionProcessor inner) : SourceSharing(run.Source, inner), IDisposable
    {
        private readonly int edits = run.Alignments.Count;
        private readonly Dictionary<int, (Tensor P, Tensor R)> refinements = [];

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            using var scope = NewDisposeScope();
            var result = call.Site.Kind == AttentionKind.Self ? AttendSelf(call, query, key, value)
                : IsIn(method.CrossPart, call.Step.Index, run.Steps) ? AttendRefined(call, query, key, value)
                : Inner.Attend(call, query, key, value);
            return result.MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
            foreach (var (p, r) in refinements.Values)
            {
                p.Dispose();
                r.Dispose();
            }

            refinements.Clear();
        }

        private Tensor AttendSelf(AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            var (step, site) = (call.Step, call.Site.Index);
            if (IsIn(method.SelfPart, step.Index, run.Steps))
            {
                // (1)
                var values = HasLayout(call) ? OfSource(SourcePart.Value, step, site, value, IsLayout) : value;
                return Inner.Attend(call, OfSource(SourcePart.Query, step, site, query), OfSource(SourcePart.Key, step, site, key), values);
            }

            // (2)
            if (!HasLayout(call))
                return Inner.Attend(call, query, key, value);
            return Inner.Attend(
                call, Rows(call, query, row => IsLayout(row) ? row.Prompt - edits : row.Prompt),
                OfSource(SourcePart.Key, step, site, key, IsLayout), OfSource(SourcePart.Value, step, site, value, IsLayout));
        }

        // (3), as M_l·P + M_e·diag(r), where P gathers the counterparts and r keeps the other tokens.
        private Tensor AttendRefined(AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            var (step, site) = (call.Step, call.Site.Index);
            var (ofSource, keysOfSource) = (OfSource(SourcePart.Query, step, site, query, IsEdit), OfSource(SourcePart.Key, step, site, key, IsEdit));
            var (layout, keys) = HasLayout(call) ? (Rows(call, query, LayoutOf), Rows(call, key, LayoutOf)) : (ofSource, keysOfSource);
            var output = ScaledDotProduct.Attend(layout, keys, cat([.. step.Rows.Select((row, i) => IsRefined(row) ? matmul(Refinement(row, value).P, Row(value, i)) : Row(value, i))], 0));
            Watch(call, query, key, (ofSource, keysOfSource), (layout, keys));
            int[] refined = [.. Enumerable.Range(0, step.Rows.Count).Where(i => IsRefined(step.Rows[i]))];
            if (refined.Length == 0)
                return output;
            var own = ScaledDotProduct.Attend(
                Of(query), Of(key), cat([.. refined.Select(i => Row(value, i) * Refinement(step.Rows[i], value).R)], 0));
            var parts = step.Rows.Select((_, i) => Array.IndexOf(refined, i) is >= 0 and var k ? Row(output, i).Plus(Row(own, k)) : Row(output, i));
            return cat([.. parts], 0);

            Tensor Of(Tensor batch) => cat([.. refined.Select(i => Row(batch, i))], 0);
        }

        // Edited maps, as in Prompt-to-Prompt; the source's are counted with its own row or, if it is not in the run, with that of the first edit.
        private void Watch(AttentionCall call, Tensor query, Tensor key, (Tensor Query, Tensor Key) source, (Tensor Query, Tensor Key) layout)
        {
            if (run.Maps is not { } maps || !maps.Collects(call))
                return;
            foreach (var (i, row) in call.Step.Rows.Index().Where(each => each.Item.Conditional && !IsLayout(each.Item)))
            {
                if (row.Prompt == 0 || (row.Prompt == 1 && !run.HasSource))
                    maps.Add(call, 0, Map(source.Query, source.Key));
                if (row.Prompt != 0)
                    maps.Add(call, row.Prompt, matmul(Map(layout.Query, layout.Key), Refinement(row, query).P).Plus(Map(query, key) * Refinement(row, query).R.transpose(0, 1)));

                Tensor Map(Tensor queries, Tensor keys) => ScaledDotProduct.Probabilities(Row(queries, i), Row(keys, i));
            }
        }

        private (Tensor P, Tensor R) Refinement(BatchRow row, Tensor like)
        {
            if (refinements.TryGetValue(row.Prompt, out var found))
                return found;
            var alignment = run.Alignments[row.Prompt - 1];
            var n = alignment.Length;
            var counterpart = tensor(alignment.Counterpart, device: CPU);
            return refinements[row.Prompt] = (
                (tensor(alignment.Mapper, [n, n], device: CPU) * counterpart).to(like.dtype, like.device).DetachFromDisposeScope(),
                OneMinus(counterpart).view(n, 1).to(like.dtype, like.device).DetachFromDisposeScope());
        }

        private bool HasLayout(AttentionCall call) => call.Step.Rows.Any(IsLayout);

        private bool IsLayout(BatchRow row) => row.Prompt > edits;

        private bool IsEdit(BatchRow row) => row.Prompt > 0 && !IsLayout(row);

        private bool IsRefined(BatchRow row) => row.Conditional && IsEdit(row);

        private int LayoutOf(BatchRow row) => IsEdit(row) ? row.Prompt + edits : row.Prompt;

        private static Tensor Row(Tensor batch, int i) => batch.narrow(0, i, 1);

        // Each row from that of another branch, of the same half.
        private static Tensor Rows(AttentionCall call, Tensor batch, Func<BatchRow, int> branch)
        {
            var rows = call.Step.Rows.ToList();
            return cat([.. rows.Select(row => Row(batch, IndexOf(row with { Prompt = branch(row) })))], 0);

            int IndexOf(BatchRow row) => rows.IndexOf(row) is >= 0 and var index ? index : throw new InvalidOperationException($"The row {row} is not in the batch.");
        }
    }
}
