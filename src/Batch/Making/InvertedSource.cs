using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Batch.Making;

/// <summary>The image of an item as the source of its samples. Its edits are drawn over it at its own size, or both are as the model sees them.</summary>
/// <param name="model">The model.</param>
/// <param name="original">The image.</param>
internal sealed class InvertedSource(StableDiffusionModel model, Image original) : IDisposable
{
    private (InversionSettings Settings, Framing Framing, InvertedImage Inverted)? latest;

    /// <summary>Makes a sample.</summary>
    /// <param name="request">The sample's request.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public SampleImages Edit(SampleRequest request, CancellationToken cancellationToken)
    {
        var framing = model.Frame(request.Values.ToSettings().Frame, original.Size, request.Source.Sampling.Size);
        var inverted = Invert(request.Inversion!, framing, cancellationToken);
        var (asked, followed) = (request.Source.Sampling, GenerationRequest.Of(inverted));
        var source = followed with { Sampling = followed.Sampling with { Negative = asked.Negative, GuidanceRescale = asked.GuidanceRescale } };
        using var result = EditRun.Execute(model, source, request.Edit, cancellationToken: cancellationToken);
        if (!request.Values.ToSettings().OverOriginal)
            return new(request.Number, asked.Seed, request.Values, framing.Apply(original), [.. result.Images.Skip(1)]);
        var given = new GivenImage(original, framing);
        return new(request.Number, asked.Seed, request.Values, original, [.. Enumerable.Range(1, request.Edit.Prompts.Count).Select(edit => given.Draw(result, edit))]);
    }

    /// <inheritdoc/>
    public void Dispose() => latest?.Inverted.Dispose();

    private InvertedImage Invert(InversionSettings settings, Framing framing, CancellationToken cancellationToken)
    {
        if (!settings.Method.UsesSeed)
            settings = settings with { Sampling = settings.Sampling with { Seed = 0 } };
        if (latest is { } known && known.Settings == settings && known.Framing == framing)
            return known.Inverted;
        latest?.Inverted.Dispose();
        latest = null;
        using var latents = model.Vae.EncodeImage(framing.Apply(original), model.Device);
        var inverted = InversionMethod.Invert(model, latents, settings, cancellationToken: cancellationToken);
        latest = (settings, framing, inverted);
        return inverted;
    }
}
