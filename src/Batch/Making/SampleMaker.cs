using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Batch.Making;

/// <summary>Makes the samples of an item. The source of a sample runs once, in one batch with its edits; an image is inverted once for all samples with the same inversion.</summary>
/// <param name="model">The model.</param>
/// <param name="settings">The settings of the run.</param>
/// <param name="runSeed">The seed of the run.</param>
internal sealed class SampleMaker(StableDiffusionModel model, SettingValues settings, ulong runSeed)
{
    /// <summary>Makes the samples one after another.</summary>
    /// <param name="item">The item.</param>
    /// <param name="given">Its image; null without one.</param>
    /// <param name="samples">Their number.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <exception cref="Diffusion.InvalidInputException">A word or number is invalid.</exception>
    public IEnumerable<SampleImages> Make(PlanItem item, Image? given, int samples, CancellationToken cancellationToken)
    {
        using var image = given is null ? null : new InvertedSource(model, given);
        for (var number = 0; number < samples; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var request = SampleRequest.Draw(item, settings, runSeed, number, model.Tokenizer);
            yield return image is null ? Generate(request, cancellationToken) : image.Edit(request, cancellationToken);
        }
    }

    private SampleImages Generate(SampleRequest request, CancellationToken cancellationToken)
    {
        using var result = EditRun.Execute(model, request.Source, request.Edit, cancellationToken: cancellationToken);
        return new(request.Number, request.Source.Sampling.Seed, request.Values, result.Images[0], [.. result.Images.Skip(1)]);
    }
}
