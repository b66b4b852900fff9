using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// The base of methods that give an edit activations of its source. Each half of classifier-free guidance takes them from its own half: an unconditional row
/// from the source's unconditional row, a conditional row from its conditional one.
/// </summary>
/// <param name="kept">Keeps the source's activations, or supplies them if the source is not in the batch.</param>
/// <param name="inner">Computes attention.</param>
internal abstract class SourceSharing(ISourceActivations? kept, AttentionProcessor inner) : AttentionProcessor
{
    /// <summary>Computes attention, and collects the maps that are wanted.</summary>
    protected AttentionProcessor Inner => inner;

    /// <summary>The tensor of a batch with the rows of edits, or some of them, replaced by those of the source, a new tensor.</summary>
    /// <param name="part">Kind of the activation.</param>
    /// <param name="step">The evaluation.</param>
    /// <param name="site">Index of the layer.</param>
    /// <param name="batch">The activation of all rows.</param>
    /// <param name="replaces">Whether an edit's row is replaced; null for all.</param>
    protected Tensor OfSource(SourcePart part, DenoisingStep step, int site, Tensor batch, Func<BatchRow, bool>? replaces = null)
    {
        var halves = new Dictionary<bool, Tensor>();
        for (var i = 0; i < step.Rows.Count; i++)
        {
            if (step.Rows[i].Prompt != 0)
                continue;
            var conditional = step.Rows[i].Conditional;
            halves[conditional] = batch.narrow(0, i, 1);
            kept?.Put(new(part, step.Index, site, conditional), halves[conditional]);
        }

        List<Tensor> rows = [.. step.Rows.Select((row, i) => row.Prompt == 0 || replaces?.Invoke(row) == false ? batch.narrow(0, i, 1) : Source(row.Conditional))];
        // Of one tensor, cat returns an alias, and the network may write into what it is given.
        return rows.Count == 1 ? rows[0].clone() : cat(rows, 0);

        Tensor Source(bool conditional) => halves.TryGetValue(conditional, out var row) ? row
            : kept?.Find(new(part, step.Index, site, conditional), batch)
            ?? throw new InvalidOperationException($"The source's {part} of layer {site} at step {step.Index} is neither in the batch nor kept.");
    }

    /// <summary>A value of the source's conditional row: made and kept if that row is in the batch, else what was kept.</summary>
    /// <param name="step">The evaluation.</param>
    /// <param name="site">Index of the layer.</param>
    /// <param name="like">A tensor of the run's type.</param>
    /// <param name="make">Makes it; null if it cannot be made yet.</param>
    protected Tensor? RegionOfSource(DenoisingStep step, int site, Tensor like, Func<Tensor?> make)
    {
        var place = new ActivationPlace(SourcePart.Region, step.Index, site, Conditional: true);
        if (!step.Rows.Contains(new BatchRow(0, Conditional: true)))
            return kept?.Find(place, like);
        if (make() is not { } made)
            return null;
        kept?.Put(place, made);
        return made;
    }
}
