using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>
/// The token correspondence of an edit: which source tokens pass their attention to which target tokens (<c>M</c> and <c>a</c>).
/// </summary>
/// <remarks>Treat the arrays as read-only: they are shared, not copied.</remarks>
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

    /// <summary>The setting name that errors report.</summary>
    internal const string Setting = "Alignment";

    /// <summary>The algorithm that made this alignment.</summary>
    public AlignmentKind Kind { get; }

    /// <summary>The prompt whose attention steers the edit.</summary>
    public TokenizedPrompt Source { get; }

    /// <summary>The edited prompt.</summary>
    public TokenizedPrompt Target { get; }

    /// <summary>Number of token positions of each prompt, including padding (77, or a multiple of 77 for long prompts).</summary>
    public int Length => Counterpart.Length;

    /// <summary>
    /// The matrix <c>M</c> [<see cref="Length"/>, <see cref="Length"/>], row-major; rows are source tokens, columns target tokens:
    /// the share of a source token's attention that each target token receives.
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

    /// <summary>Aligns two prompts of the same padded length with the given algorithm.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The algorithm cannot align these prompts.</exception>
    public static TokenAlignment Create(AlignmentKind kind, TokenizedPrompt source, TokenizedPrompt target)
    {
        if (source.Ids.Count != target.Ids.Count)
            throw new ArgumentException($"The prompts are padded to {source.Ids.Count} and {target.Ids.Count} tokens.", nameof(target));
        InvalidInputException.Require(
            source.Ends.Count == 1 || kind is AlignmentKind.Auto or AlignmentKind.Naive,
            Setting,
            $"{kind.ToString().ToLowerInvariant()} supports prompts of at most {source.ChunkLength} tokens; these are longer.",
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
    /// The emphasis of each target token, taken from its counterpart in the source, so that an edit keeps the source's emphasis. Null if
    /// the source has no emphasis.
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

    /// <summary>The alignment as readable rows of words.</summary>
    public AlignmentTable Describe() => AlignmentTable.Of(this);
}
