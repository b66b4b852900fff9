using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Attention;

/// <summary>One edited prompt's attention control: what happens at each step, worked out before the run from the prompts alone.</summary>
internal sealed class EditSchedule
{
    private readonly CrossAttentionEdit[] cross;
    private readonly int steps;
    private readonly StepWindow selfSteps;
    private readonly int selfResolution;

    private EditSchedule(TokenAlignment alignment, float[] equalizer, EditRequest request, int steps)
    {
        Alignment = alignment;
        Equalizer = equalizer;
        this.steps = steps;
        selfSteps = request.SelfSteps;
        selfResolution = request.SelfResolution;
        cross = CrossEdits(alignment, equalizer, request.CrossSteps.Timing(alignment.Target, steps));
    }

    /// <summary>How the tokens of the two prompts belong together.</summary>
    public TokenAlignment Alignment { get; }

    /// <summary>The weight of each target token; shared, not to be written to.</summary>
    public float[] Equalizer { get; }

    /// <summary>Works out an edit.</summary>
    /// <param name="source">The prompt whose attention steers the edit.</param>
    /// <param name="target">The edited prompt.</param>
    /// <param name="request">The edit; its prompts are not read.</param>
    /// <param name="steps">Number of denoising steps of the run.</param>
    /// <exception cref="InvalidInputException">The prompts cannot be aligned, or the target does not have a word that is named.</exception>
    public static EditSchedule Create(TokenizedPrompt source, TokenizedPrompt target, EditRequest request, int steps) =>
        CreateAll(source, [(target, request)], steps)[0];

    /// <summary>
    /// Works out several edits of one source. A word that an edit names must be in at least one of the targets, and is passed
    /// over in those that do not have it.
    /// </summary>
    /// <inheritdoc cref="Create"/>
    public static IReadOnlyList<EditSchedule> CreateAll(
        TokenizedPrompt source, IReadOnlyList<(TokenizedPrompt Target, EditRequest Request)> edits, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        TokenizedPrompt[] targets = [.. edits.Select(edit => edit.Target)];
        foreach (var (setting, word) in edits.SelectMany(edit => NamedWords(edit.Request)).Distinct())
            WordPlaces.RequireIn(targets, word, setting);
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
    /// What is done to cross-attention at a step, counted from 0 by evaluations of the U-Net: a scheduler that needs more of them than
    /// steps stays at the last one. Steps without a difference return the same object.
    /// </summary>
    public CrossAttentionEdit At(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return cross[Math.Min(step, cross.Length - 1)];
    }

    /// <summary>Whether a self-attention layer of this size in pixels uses the source's queries and keys at a step.</summary>
    public bool InjectsSelfAttention(int step, int height, int width) =>
        selfSteps.Contains(step, steps) && height * width <= selfResolution * selfResolution;

    private static IEnumerable<(string Setting, string Word)> NamedWords(EditRequest request) =>
        request.Weights.Where(weight => weight.Index is null).Select(weight => (nameof(EditRequest.Weights), weight.Word))
            .Concat(request.CrossSteps.Words.Select(window => (nameof(EditRequest.CrossSteps), window.Word)));

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
