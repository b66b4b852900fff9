using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.UNet;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>
/// The rows of a step: unconditional ones of the pictures that are guided, then the conditional ones of all. A picture whose way is known
/// has a conditional row only.
/// </summary>
internal sealed class GuidedBatch
{
    private readonly DenoisingRequest request;
    private readonly int known;
    private readonly bool isGuided;

    public GuidedBatch(DenoisingRequest request)
    {
        this.request = request;
        known = request.Known is null ? 0 : 1;
        isGuided = request.Guidance != 1 && request.Prompts.Count > known;
        Rows =
        [
            .. isGuided ? request.Prompts.Skip(known).Select(p => new BatchRow(p, Conditional: false)) : [],
            .. request.Prompts.Select(p => new BatchRow(p, Conditional: true)),
        ];
    }

    public IReadOnlyList<BatchRow> Rows { get; }

    /// <summary>What the network is given: latents of all rows, from those of the pictures, and what lies beside them.</summary>
    public Tensor Input(Tensor latents)
    {
        var rows = isGuided ? cat([Free(latents), latents], 0) : latents;
        return request.Beside is { } beside ? cat([rows, beside.expand(rows.shape[0], -1, -1, -1)], 1) : rows;
    }

    /// <summary>What all rows are conditioned on at a step.</summary>
    public Conditioning Conditioning(int step) => isGuided
        ? request.Unconditional.At(step).Expand(request.Prompts.Count - known).Join(request.Conditional)
        : request.Conditional;

    /// <summary>The pictures' latents after a step, from the network's output for all rows.</summary>
    public Tensor Advance(Tensor output, int step, Tensor latents, Func<Tensor, Tensor, Tensor> advance)
    {
        if (request.Known is null)
            return advance(Guide(output), latents);
        var source = request.Known.narrow(0, step + 1, 1);
        return request.Prompts.Count == known ? source.clone() : cat([source, advance(Guide(output), Free(latents))], 0);
    }

    private Tensor Guide(Tensor output)
    {
        var pictures = request.Prompts.Count;
        var conditional = Free(output.narrow(0, output.shape[0] - pictures, pictures));
        if (!isGuided)
            return conditional;
        var unconditional = output.narrow(0, 0, pictures - known);
        var guided = unconditional.Plus(Held(request.Guidance) * request.ShapeGuidance(conditional - unconditional));
        return request.GuidanceRescale == 0 ? guided
            : guided * (Held(request.GuidanceRescale) * (Spread(conditional) / Spread(guided))).Plus(Held(1 - request.GuidanceRescale));
    }

    private static Tensor Spread(Tensor pictures) => pictures.std([1, 2, 3], keepdim: true);

    private Tensor Free(Tensor pictures) => known == 0 ? pictures : pictures.narrow(0, known, pictures.shape[0] - known);
}
