using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Attention;

/// <summary>The attention control of one edited prompt at every step, computed from the prompts before the run.</summary>
internal sealed class EditSchedule
{
    private readonly CrossAttentionEdit[] cross;
    private readonly int steps;
    private readonly StepWindow selfSteps;
    private readonly int selfResolution;
    private readonly bool selfUnconditional;

    private EditSchedule(TokenAlignment alignment, float[] equalizer, EditRequest request, int steps)
    {
        Alignment = alignment;
        Equalizer = equalizer;
        this.steps = steps;
        selfSteps = request.SelfSteps;
        selfResolution = request.SelfResolution;
        selfUnconditional = request.SelfUnconditional;
        cross = CrossEdits(alignment, equalizer, request.CrossSteps.Timing(alignment.Target, steps));
    }

    /// <summary>The token correspondence of the two prompts.</summary>
    public TokenAlignment Alignment { get; }

    /// <summary>The weight of each target token; shared, so treat it as read-only.</summary>
    public float[] Equalizer { get; }

    /// <summary>Computes the schedule of one edit.</summary>
    /// <param name="source">The prompt whose attention steers the edit.</param>
    /// <param name="target">The edited prompt.</param>
    /// <param name="request">The edit; its prompts are not read.</param>
    /// <param name="steps">Number of denoising steps of the run.</param>
    /// <exception cref="InvalidInputException">The prompts cannot be aligned, or a named word is not in the target.</exception>
    public static EditSchedule Create(TokenizedPrompt source, TokenizedPrompt target, EditRequest request, int steps) =>
        CreateAll(source, [(target, request)], steps)[0];

    /// <summary>
    /// Computes the schedules of several edits of one source. A word that an edit names must occur in at least one target; targets
    /// without it ignore it.
    /// </summary>
    /// <inheritdoc cref="Create"/>
    public static IReadOnlyList<EditSchedule> CreateAll(
        TokenizedPrompt source, IReadOnlyList<(TokenizedPrompt Target, EditRequest Request)> edits, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        TokenizedPrompt[] targets = [.. edits.Select(edit => edit.Target)];
        foreach (var word in edits.SelectMany(edit => edit.Request.Weights).Where(weight => weight.Index is null).Select(weight => weight.Word).Distinct())
            WordPlaces.RequireInTargets(targets, word, nameof(EditRequest.Weights));
        foreach (var word in edits.SelectMany(edit => edit.Request.CrossSteps.Words).Select(window => window.Word).Distinct())
            WordPlaces.RequireInTargets(targets, word, "WordSteps");
        return
        [
            .. edits.Select(edit => new EditSchedule(
                TokenAlignment.Create(edit.Request.Alignment, source, edit.Target),
                Editing.Prompts.Equalizer.Create(edit.Target, edit.Request.Weights),
                edit.Request,
                steps)),
        ];
    }

    /// <summary>
    /// The cross-attention edit at a step. Steps are U-Net evaluations counted from 0; a scheduler that evaluates more often than it steps
    /// stays at the last one. Consecutive steps with equal edits return the same object.
    /// </summary>
    public CrossAttentionEdit At(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return cross[Math.Min(step, cross.Length - 1)];
    }

    /// <summary>Whether a self-attention layer of this size (in positions) uses the source's queries and keys at a step.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="height">Rows of positions.</param>
    /// <param name="width">Columns of positions.</param>
    /// <param name="conditional">Whether it is asked of the conditional row of the edit or of its unconditional one.</param>
    public bool InjectsSelfAttention(int step, int height, int width, bool conditional = true) =>
        (conditional || selfUnconditional) && selfSteps.Contains(step, steps) && height * width <= selfResolution * selfResolution;

    private static CrossAttentionEdit[] CrossEdits(TokenAlignment alignment, float[] equalizer, float[][] timing)
    {
        var edits = new CrossAttentionEdit[timing.Length];
        for (var step = 0; step < edits.Length; step++)
        {
            edits[step] = step > 0 && timing[step].AsSpan().SequenceEqual(timing[step - 1])
                ? edits[step - 1]
                : CrossAttentionEdit.Create(alignment.Mapper, alignment.Counterpart, equalizer, timing[step]);
        }

        return edits;
    }
}
