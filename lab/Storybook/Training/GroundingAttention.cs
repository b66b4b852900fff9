using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>A token of a word, whose attention should match the word's part of the image.</summary>
/// <param name="Row">Batch row.</param>
/// <param name="Token">Token position.</param>
/// <param name="Region">Coverage over the latents' positions, row-major.</param>
internal sealed record GroundedToken(int Row, int Token, float[] Region);

/// <summary>
/// The attention processor of the training: computes all cross-attention maps explicitly and sums KL(region ‖ the word's map over
/// positions), averaged over heads. This pulls a word's attention to the shape it names without forbidding other positions.
/// </summary>
internal sealed class GroundingAttention(IReadOnlyList<GroundedToken> grounded, int side, Tensor rowWeights)
    : AttentionProcessor, IDisposable
{
    private readonly List<Tensor> losses = [];
    private readonly Dictionary<int, (Tensor Index, Tensor Target, Tensor Weights)> targets = [];

    public Tensor Loss() => stack(losses).mean();

    // These tensors are detached from all scopes, because the layers' own scopes end long before the loss is used.
    public void Dispose()
    {
        losses.ForEach(loss => loss.Dispose());
        foreach (var (index, target, weights) in targets.Values)
        {
            index.Dispose();
            target.Dispose();
            weights.Dispose();
        }
    }

    public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
    {
        // At 4×4 positions, a word's region is a single cell, which is not informative.
        if (call.Site.Kind != AttentionKind.Cross || call.Width < 8 || grounded.Count == 0)
            return ScaledDotProduct.Attend(query, key, value);
        using var scope = NewDisposeScope();
        var probabilities = ScaledDotProduct.Probabilities(query, key);
        if (!targets.TryGetValue(call.Width, out var target))
            targets.Add(call.Width, target = Targets(call.Width));
        var (rows, heads, positions, tokens) = (probabilities.shape[0], probabilities.shape[1], probabilities.shape[2], probabilities.shape[3]);
        var columns = probabilities.permute(0, 3, 1, 2).reshape(rows * tokens, heads, positions).index_select(0, target.Index).to(ScalarType.Float32);
        var maps = columns.mean([1]).Plus(Scalar(1e-6));
        maps = maps / maps.sum(-1, keepdim: true);
        var divergence = (target.Target * (target.Target.clamp_min(Scalar(1e-9)).log() - maps.log())).sum(-1);
        losses.Add((divergence * target.Weights).mean().DetachFromDisposeScope());
        return matmul(probabilities, value).MoveToOuterDisposeScope();
    }

    private (Tensor Index, Tensor Target, Tensor Weights) Targets(int width)
    {
        using var scope = NewDisposeScope();
        var device = rowWeights.device;
        var rows = tensor(grounded.Select(g => (long)g.Row).ToArray(), device: device);
        var index = tensor(grounded.Select(g => ((long)g.Row * 77) + g.Token).ToArray(), device: device);
        var regions = tensor(grounded.SelectMany(g => g.Region).ToArray(), [grounded.Count, 1, side, side], device: device);
        var pooled = nn.functional.adaptive_avg_pool2d(regions, [width, width]).flatten(1);
        var target = pooled / pooled.sum(-1, keepdim: true);
        return (index.DetachFromDisposeScope(), target.DetachFromDisposeScope(), rowWeights.index_select(0, rows).DetachFromDisposeScope());
    }
}
