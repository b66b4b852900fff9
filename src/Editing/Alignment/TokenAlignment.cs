using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>
/// Which source tokens hand their attention to which target tokens: the mapper <c>M</c> and the counterparts <c>a</c> of an edit.
/// </summary>
/// <remarks>Immutable by agreement: the arrays are shared, not copied, so nobody writes to them.</remarks>
internal sealed class TokenAlignment
{
    internal TokenAlignment(
        AlignmentKind kind, TokenizedPrompt source, TokenizedPrompt target, float[] mapper, float[] counterpart, int[]? gather = null)
    {
        Kind = kind;
        Source = source;
        Target = target;
        Mapper = mapper;
        Counterpart = counterpart;
        Gather = gather;
    }

    /// <summary>What errors call the setting that chooses the algorithm.</summary>
    internal const string Setting = "Alignment";

    /// <summary>The algorithm that made this alignment.</summary>
    public AlignmentKind Kind { get; }

    /// <summary>The prompt whose attention steers the edit.</summary>
    public TokenizedPrompt Source { get; }

    /// <summary>The edited prompt.</summary>
    public TokenizedPrompt Target { get; }

    /// <summary>Number of token positions of each prompt, padding included (77, or a multiple of it where prompts are long).</summary>
    public int Length => Counterpart.Length;

    /// <summary>
    /// The matrix <c>M</c> [<see cref="Length"/>, <see cref="Length"/>], rows are source tokens, columns target tokens, row by row:
    /// the share of a source token's attention that a target token receives.
    /// </summary>
    public float[] Mapper { get; }

    /// <summary>
    /// The vector <c>a</c> [<see cref="Length"/>]: 1 where a target token has a counterpart in the source, 0 where it is new.
    /// </summary>
    public float[] Counterpart { get; }

    /// <summary>
    /// For <see cref="AlignmentKind.Refine"/>: the source position of each target token, -1 where the token is new. Otherwise null.
    /// </summary>
    public int[]? Gather { get; }

    /// <summary>Aligns two prompts of the same padded length by the given algorithm.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The algorithm cannot align these prompts.</exception>
    public static TokenAlignment Create(AlignmentKind kind, TokenizedPrompt source, TokenizedPrompt target)
    {
        if (source.Ids.Count != target.Ids.Count)
            throw new ArgumentException($"The prompts are padded to {source.Ids.Count} and {target.Ids.Count} tokens.", nameof(target));
        InvalidInputException.Require(
            source.Ends.Count == 1 || kind is AlignmentKind.Auto or AlignmentKind.Naive,
            Setting,
            $"{kind.ToString().ToLowerInvariant()} is defined for prompts of {source.ChunkLength} tokens, and these are longer.",
            "Use auto.");
        return kind switch
        {
            AlignmentKind.Auto => AutoAlignment.Create(source, target),
            AlignmentKind.Replace => ReplaceAlignment.Create(source, target),
            AlignmentKind.Refine => RefineAlignment.Create(source, target),
            AlignmentKind.Naive => NaiveAlignment.Create(source, target),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    /// <summary>
    /// How strongly each target token speaks: as its counterpart in the source, so that an edit keeps what the source emphasises. Null where
    /// the source emphasises nothing.
    /// </summary>
    public float[]? Emphasis()
    {
        if (Source.Emphasis is not { } emphasis)
            return null;
        var received = new float[Length];
        for (var t = 0; t < Length; t++)
        {
            var column = Enumerable.Range(0, Length).Where(s => Mapper[(s * Length) + t] != 0).ToList();
            received[t] = column.Count > 0 ? column.Average(s => emphasis[s]) : 1;
        }

        return received;
    }

    /// <summary>The alignment in words, for people to read.</summary>
    public AlignmentTable Describe() => AlignmentTable.Of(this);
}
