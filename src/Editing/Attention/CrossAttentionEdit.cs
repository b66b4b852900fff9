namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// The edit of cross-attention at one step: the edited map is <c>A_s·P + A_e·diag(r)</c>, where <c>A_s</c> and <c>A_e</c> are the
/// source's and the edit's own probabilities (positions × tokens). Nothing is renormalized.
/// </summary>
/// <remarks>Treat the arrays as read-only: they are shared, not copied.</remarks>
internal sealed class CrossAttentionEdit
{
    private CrossAttentionEdit(float[] p, float[] r)
    {
        P = p;
        R = r;
        IsIdentity = Array.TrueForAll(p, value => value == 0) && Array.TrueForAll(r, value => value == 1);
        IgnoresOwnMap = Array.TrueForAll(r, value => value == 0);
    }

    /// <summary>Number of tokens, n.</summary>
    public int Tokens => R.Length;

    /// <summary>
    /// <c>P</c> [n, n], row-major; rows are source tokens, columns target tokens: the part taken from the source's attention.
    /// </summary>
    public float[] P { get; }

    /// <summary>The diagonal <c>r</c> [n]: the part kept of the edit's own attention.</summary>
    public float[] R { get; }

    /// <summary>Whether the edited map equals the edit's own, so that there is nothing to do.</summary>
    public bool IsIdentity { get; }

    /// <summary>Whether none of the edit's own attention remains, so that it need not be computed.</summary>
    public bool IgnoresOwnMap { get; }

    /// <summary>
    /// Creates the edit from the formula shared by all edits: <c>P = M·diag(a∘c∘α)</c> and <c>r = (1−a)∘c∘α + (1−α)</c>. A token inside
    /// its window (α = 1) takes its counterpart's attention, or its own if it has none, times its weight; a token outside keeps its own.
    /// </summary>
    /// <param name="mapper"><c>M</c> [n, n], rows are source tokens.</param>
    /// <param name="counterpart"><c>a</c> [n]: 1 where the target token has a counterpart in the source.</param>
    /// <param name="equalizer"><c>c</c> [n]: the weight of each target token.</param>
    /// <param name="timing"><c>α</c> [n]: 1 where the step lies in the target token's window.</param>
    public static CrossAttentionEdit Create(
        ReadOnlySpan<float> mapper, ReadOnlySpan<float> counterpart, ReadOnlySpan<float> equalizer, ReadOnlySpan<float> timing)
    {
        var n = counterpart.Length;
        var (p, r) = (new float[n * n], new float[n]);
        for (var t = 0; t < n; t++)
        {
            var scaled = equalizer[t] * timing[t];
            r[t] = (1 - counterpart[t]) * scaled + (1 - timing[t]);
            for (var s = 0; s < n; s++)
                p[s * n + t] = mapper[s * n + t] * counterpart[t] * scaled;
        }

        return new CrossAttentionEdit(p, r);
    }
}
