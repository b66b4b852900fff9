using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// The rows of edits by concepts. Each edit has one with the empty prompt, one with the source prompt if its image was inverted with guidance, one with its own
/// prompt if the attention of that is read (or, beside a recorded source, the source's self-attention), and one for each concept.
/// </summary>
internal sealed class ConceptRows : IDisposable
{
    private readonly EditPlan plan;
    private readonly double guidance;
    private readonly Conditioning? texts;

    /// <param name="plan">The plan, whose prompts are encoded already.</param>
    public ConceptRows(EditPlan plan)
    {
        this.plan = plan;
        guidance = plan.Source.Inverted?.Settings is { Method: EditFriendlyInversion method } settings ? method.GuidanceOf(settings) : 0;
        TokenizedPrompt[] all = [.. plan.Words.Concepts!.SelectMany(each => each).Select(concept => concept.Words)];
        texts = all.Length == 0 ? null : TextConditioning.Encode(plan.Model, all, plan.Sampling.SizesOf(plan.ImageSize), plan.Sampling.ClipSkip).DetachFromDisposeScope();
    }

    /// <summary>Number of rows of the edits among some prompts.</summary>
    public int Count(IReadOnlyList<int> prompts) =>
        prompts.Where(prompt => prompt != 0).Sum(prompt => 1 + (IsGuided ? 1 : 0) + (HasPrompts(prompts) ? 1 : 0) + OfConcepts(prompt).Count);

    // Whether the edits have rows with their own prompts. The source's self-attention is counted with its own row or else with such a row.
    private bool HasPrompts(IReadOnlyList<int> prompts) => plan.ReadsAttention || (plan.SelfAttention is not null && !prompts.Contains(0));

    private bool IsGuided => guidance != 0;

    /// <summary>The rows of some of the prompts.</summary>
    /// <param name="prompts">Their indices, the source's first or left out.</param>
    public OwnRows Of(IReadOnlyList<int> prompts)
    {
        using var scope = NewDisposeScope();
        var hasPrompts = HasPrompts(prompts);
        List<(int, BatchRow)> rows = [];
        List<Conditioning> conditionings = [];
        foreach (var (image, prompt) in prompts.Index().Where(each => each.Item != 0))
        {
            Add(new BatchRow(prompt, Conditional: false), plan.Unconditional);
            // To attention processors it is another row without the edit's prompt.
            if (IsGuided)
                Add(new BatchRow(prompt, Conditional: false), plan.Conditional.Narrow(0, 1));
            if (hasPrompts)
                Add(new BatchRow(prompt, Conditional: true), plan.Conditional.Narrow(prompt, 1));
            foreach (var (place, _, _) in OfConcepts(prompt))
                Add(new BatchRow(PromptOf(place), Conditional: true), texts!.Narrow(place, 1));

            void Add(BatchRow row, Conditioning text)
            {
                rows.Add((image, row));
                conditionings.Add(text);
            }
        }

        var joined = conditionings.Aggregate((first, second) => first.Join(second));
        return new() { Rows = rows, Conditioning = joined.Own(), ReadsKnown = plan.ReadsKnown, Combine = (step, output) => Combine(prompts, hasPrompts, step, output) };
    }

    /// <inheritdoc/>
    public void Dispose() => texts?.Dispose();

    // The predictions of the edits, from those of all rows.
    private Tensor Combine(IReadOnlyList<int> prompts, bool hasPrompts, int step, Tensor output)
    {
        using var scope = NewDisposeScope();
        List<Tensor> predictions = [];
        var next = 0;
        foreach (var prompt in prompts.Where(prompt => prompt != 0))
        {
            var free = Row();
            var inverted = IsGuided ? Guidance.Combine(free, Row(), guidance) : free;
            if (hasPrompts)
                next++;
            predictions.Add(plan.Edit.Method.Combine(new ConceptStep
            {
                Step = step - plan.FirstStep,
                Steps = plan.Sampling.Steps - plan.FirstStep,
                Unconditional = free,
                Inverted = inverted,
                Concepts = [.. OfConcepts(prompt).Select(each => (each.Concept, Row(), Attention(each, step)))],
            }));
        }

        return cat([.. predictions], 0).MoveToOuterDisposeScope();

        Tensor Row() => output.narrow(0, next++, 1);
    }

    private Tensor Attention((int Place, EditConcept Concept, TokenizedPrompt Words) concept, int step)
    {
        var maps = plan.Maps!;
        var words = tensor(concept.Words.Words.SelectMany(word => word.Tokens).Select(token => (long)token).ToArray(), device: plan.Model.Device);
        return maps.Take(PromptOf(concept.Place), step).index_select(1, words).sum(1).view(1, 1, maps.Height, maps.Width);
    }

    // Attention processors know concepts as prompts after those of the run.
    private int PromptOf(int place) => plan.Prompts.Count + place;

    // The concepts of an edit, each with its place among those of all edits.
    private List<(int Place, EditConcept Concept, TokenizedPrompt Words)> OfConcepts(int prompt)
    {
        var first = plan.Words.Concepts!.Take(prompt).Sum(each => each.Count);
        return [.. plan.Words.Concepts![prompt].Select((each, k) => (first + k, each.Concept, each.Words))];
    }
}
