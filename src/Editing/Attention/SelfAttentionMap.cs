using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// The source's self-attention, averaged over heads, steps and the layers of one resolution: [positions, positions], a row for each position
/// that looks. One such matrix is all it holds, however long the run.
/// </summary>
/// <param name="height">Rows of positions of the watched layers.</param>
/// <param name="width">Columns of positions of the watched layers.</param>
public sealed class SelfAttentionMap(int height, int width) : IDisposable
{
    private Tensor? sum;
    private int maps;

    /// <summary>Rows of positions.</summary>
    public int Height => height;

    /// <summary>Columns of positions.</summary>
    public int Width => width;

    /// <summary>Whether the map of this layer is wanted.</summary>
    public bool Watches(in AttentionCall call) => call.Site.Kind == AttentionKind.Self && call.Height == height && call.Width == width;

    /// <summary>
    /// The strongest patterns of the attention, strongest first: the right singular vectors of the average map less an even attention, which
    /// is how the authors of Prompt-to-Prompt show self-attention. Positions that are looked at together have like values.
    /// </summary>
    /// <param name="count">The most components to give, at least 1.</param>
    /// <exception cref="InvalidOperationException">No layer has been watched.</exception>
    public IReadOnlyList<AttentionComponent> Components(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (sum is null)
            throw new InvalidOperationException("No self-attention has been watched.");
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var mean = (sum / Scalar(maps)).cpu();
        var (_, strengths, patterns) = linalg.svd(mean - mean.mean([1], keepdim: true), fullMatrices: false);
        var squares = strengths.Squared();
        var shares = (squares / squares.sum().clamp_min(Scalar(float.Epsilon))).data<float>().ToArray();
        return [.. Enumerable.Range(0, Math.Min(count, shares.Length)).Select(k => new AttentionComponent(Oriented(patterns[k]), shares[k]))];
    }

    /// <inheritdoc/>
    public void Dispose() => sum?.Dispose();

    /// <summary>Adds the attention of one layer at one step.</summary>
    /// <param name="probabilities">[1, heads, positions, positions].</param>
    internal void Add(Tensor probabilities)
    {
        using var scope = NewDisposeScope();
        var map = probabilities.squeeze(0).to(ScalarType.Float32).mean([0]);
        maps++;
        if (sum is null)
            sum = map.DetachFromDisposeScope();
        else
            sum.AddInPlace(map);
    }

    // A singular vector is one only up to its sign; without this rule, runs that differ in the last bit could show opposite pictures.
    private static float[] Oriented(Tensor pattern)
    {
        var values = pattern.contiguous().data<float>().ToArray();
        return values.MaxBy(Math.Abs) < 0 ? Array.ConvertAll(values, value => -value) : values;
    }
}
