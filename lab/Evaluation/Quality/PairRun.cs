using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>
/// The images of a pair, made in one batch: 0 the source, 1 the edit, and 2, except for a re-weighting, the target prompt without
/// attention control. An edit session would make the same images in three passes.
/// </summary>
internal sealed class PairRun : IDisposable
{
    private readonly IReadOnlyList<TokenizedPrompt> prompts;
    private readonly AttentionMaps maps;

    public PairRun(StableDiffusionModel model, EditPair pair, EditQualityOptions options, ulong seed, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var (source, target) = (model.Tokenizer.Tokenize(pair.SourcePrompt), model.Tokenizer.Tokenize(pair.TargetPrompt));
        var edit = EditSchedule.Create(source, target, Request(pair, options), options.Steps);
        prompts = pair.Kind == EditKind.Reweight ? [source, target] : [source, target, target];
        var side = model.ImageSide;
        var noise = InitialNoise.FromSeed(model, seed, side, side);
        var (height, width) = MapResolution.Choose(model.Shape.UNet, (int)noise.shape[2], (int)noise.shape[3]);
        maps = new AttentionMaps(height, width);
        // Collecting unused maps would cost a third of the time.
        var watched = EditQuality.HasRegion(pair.Kind) ? maps : null;
        using var attention = new EditAttentionProcessor([null, edit, null], maps: watched);
        using var scheduler = model.CreateScheduler(SchedulerKind.Ddim, options.Steps);
        var request = new DenoisingRequest
        {
            Latents = noise.expand(prompts.Count, -1, -1, -1),
            Prompts = [.. Enumerable.Range(0, prompts.Count)],
            Conditional = TextConditioning.Encode(model, prompts),
            Unconditional = TextConditioning.EncodeNegative(model, ""),
            Sampling = new() { Guidance = options.Guidance },
            Attention = attention,
        };
        foreach (var state in DenoisingLoop.Run(model.Denoiser, scheduler, request, cancellationToken))
        {
            if (state.Step == state.Steps - 1)
                Images = model.Vae.DecodeImages(state.Latents);
        }
    }

    public IReadOnlyList<Image> Images { get; } = [];

    /// <summary>The attention on words of an image's prompt; only for kinds of edit that have a region.</summary>
    public WordMap Map(int image, IEnumerable<string> words) => WordMap.Of(maps, image, prompts[image], words);

    public void Dispose() => maps.Dispose();

    private static EditRequest Request(EditPair pair, EditQualityOptions options) => new()
    {
        CrossSteps = new CrossReplaceSteps(StepWindow.Until(options.CrossSteps)),
        SelfSteps = StepWindow.Until(options.SelfSteps),
        Weights = pair.Word is { } word ? [new WordWeight(word, options.Weight)] : [],
    };
}
