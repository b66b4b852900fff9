using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// The source's self-attention, averaged over heads, steps and the layers of one resolution: [positions, positions], one row per query
/// position. Memory use does not grow with the number of steps.
/// </summary>
/// <param name="height">Rows of the watched layers.</param>
/// <param name="width">Columns of the watched layers.</param>
public sealed class SelfAttentionMap(int height, int width) : IDisposable
{
    private Tensor? sum;
    private int maps;

    /// <summary>Rows of positions.</summary>
    public int Height => height;

    /// <summary>Columns of positions.</summary>
    public int Width => width;

    /// <summary>Whether the map of this layer is collected.</summary>
    public bool Collects(in AttentionCall call) => call.Site.Kind == AttentionKind.Self && call.Height == height && call.Width == width;

    /// <summary>
    /// The strongest components of the attention, strongest first: the right singular vectors of the average map minus uniform attention,
    /// as the authors of Prompt-to-Prompt visualize self-attention. Positions that are attended to together have similar values.
    /// </summary>
    /// <param name="count">Maximum number of components, at least 1.</param>
    /// <exception cref="InvalidOperationException">No layer has been recorded.</exception>
    public IReadOnlyList<AttentionComponent> Components(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (sum is null)
            throw new InvalidOperationException("No self-attention has been recorded.");
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

    // A singular vector is unique only up to its sign; without this rule, runs that differ in the last bit could show inverted images.
    private static float[] Oriented(Tensor pattern)
    {
        var values = pattern.contiguous().data<float>().ToArray();
        return values.MaxBy(Math.Abs) < 0 ? Array.ConvertAll(values, value => -value) : values;
    }
}
