using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The rows of a step: the unconditional rows of the guided images, then the conditional rows of all images. An image with a known
/// trajectory has only a conditional row, unless the request asks for both or for none. <see cref="DenoisingRequest.Own"/> replaces these rows.
/// </summary>
internal sealed class GuidedBatch : IDisposable
{
    private readonly DenoisingRequest request;
    private readonly int known;
    private readonly int unguided;
    private readonly int absent;
    private readonly bool isGuided;
    private readonly int keepsKnown;
    private Conditioning? joined;
    private Tensor? vector;

    public GuidedBatch(DenoisingRequest request)
    {
        this.request = request;
        known = request.Trajectory is null ? 0 : 1;
        unguided = request.KnownUnconditional ? 0 : known;
        if (request.Own is { } own)
        {
            keepsKnown = own.ReadsKnown ? known : 0;
            Rows = [.. request.Prompts.Take(keepsKnown).Select(p => new BatchRow(p, Conditional: true)), .. own.Rows.Select(each => each.Row)];
            return;
        }

        isGuided = (request.Sampling.Guidance != 1 || request.Combine is not null || (request.Companions > 0 && request.SourceGuidance != 1))
            && request.Prompts.Count > known;
        absent = request.KnownConditional || !isGuided ? 0 : known;
        Rows =
        [
            .. isGuided ? request.Prompts.Skip(unguided).Select(p => new BatchRow(p, Conditional: false)) : [],
            .. request.Prompts.Skip(absent).Select(p => new BatchRow(p, Conditional: true)),
        ];
    }

    public IReadOnlyList<BatchRow> Rows { get; }

    /// <summary>The network's input for all rows, from the images' latents, with the extra channels of inpainting models.</summary>
    public Tensor Input(Tensor latents)
    {
        var rows = request.Own is { } own ? cat([latents.narrow(0, 0, keepsKnown), .. own.Rows.Select(each => latents.narrow(0, each.Image, 1))], 0)
            : isGuided ? cat([From(latents, unguided), From(latents, absent)], 0) : latents;
        return request.ExtraChannels is { } extra ? cat([rows, extra.expand(rows.shape[0], -1, -1, -1)], 1) : rows;
    }

    /// <summary>The conditioning of all rows at a step; the same tensors at every step, unless the unconditional text changes.</summary>
    public Conditioning Conditioning(int step)
    {
        if (joined is not null)
            return joined;
        if (request.Own is { } own)
            return keepsKnown == 0 ? own.Conditioning : joined = request.Conditional.Narrow(0, keepsKnown).Join(own.Conditioning).DetachFromDisposeScope();
        if (!isGuided)
            return request.Conditional;
        var rows = request.Unconditional.At(step).Expand(request.Prompts.Count - unguided).Join(request.Conditional.Narrow(absent, request.Prompts.Count - absent));
        return TextChanges ? rows with { Vector = vector ??= rows.Vector?.DetachFromDisposeScope() } : joined = rows.DetachFromDisposeScope();
    }

    /// <summary>Whether the unconditional text changes from step to step, as null-text inversion makes it.</summary>
    public bool TextChanges => isGuided && request.Unconditional.Text.shape[0] > 1;

    /// <summary>The guided prediction of the images without a known trajectory, from the network's output for all rows of a step.</summary>
    public Tensor Guide(int step, Tensor output)
    {
        if (request.Own is { } rows)
            return rows.Combine(step, output.narrow(0, keepsKnown, rows.Rows.Count));
        var images = request.Prompts.Count;
        var conditional = From(output, (int)output.shape[0] - images + known);
        if (!isGuided)
            return conditional;
        var free = output.narrow(0, known - unguided, images - known);
        if (request.Companions == 0)
            return Guide(free, conditional);
        var own = free.shape[0] - request.Companions;
        var companions = Guidance.Combine(free.narrow(0, own, request.Companions), conditional.narrow(0, own, request.Companions), request.SourceGuidance);
        return own == 0 ? companions : cat([Guide(free.narrow(0, 0, own), conditional.narrow(0, 0, own)), companions], 0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        joined?.Dispose();
        vector?.Dispose();
    }

    /// <summary>The images without a known trajectory: all, or all but the first.</summary>
    public Tensor WithoutKnown(Tensor images) => known == 0 ? images : From(images, known);

    private Tensor Guide(Tensor free, Tensor conditional)
    {
        if (request.Combine is { } combine)
            return combine(free, conditional);
        var guided = Guidance.Combine(free, conditional, request.Sampling.Guidance, request.ShapeGuidance);
        return Guidance.Rescale(guided, conditional, request.Sampling.GuidanceRescale);
    }

    private static Tensor From(Tensor images, int first) => images.narrow(0, first, images.shape[0] - first);
}
