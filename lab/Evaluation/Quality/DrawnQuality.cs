using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>The position of the subject word's attention in drawn images with known masks, at one noise level.</summary>
/// <param name="Timestep">The noise level, 0 (none) to 999.</param>
/// <param name="Images">Number of images with a large enough subject.</param>
/// <param name="Pointing">Share of images in which the strongest position is on the subject.</param>
/// <param name="PointingByChance">The expected share for a random position.</param>
/// <param name="MassRatio">Share of attention inside the mask, relative to the mask's share of the image; 1 is chance.</param>
internal sealed record AttentionQuality(long Timestep, int Images, double Pointing, double PointingByChance, double MassRatio);

/// <summary>Measurements on drawn images, whose ground truth is known.</summary>
internal static class DrawnQuality
{
    // A position is on the subject if at least this share of its area is.
    private const float OnSubject = 0.5f;

    // Training uses the beginning of a sequence of images; these come from far beyond.
    private const long First = 1L << 41;

    /// <summary>Mean PSNR in decibels of drawn images after encoding and decoding.</summary>
    public static double AutoencoderPsnr(StableDiffusionModel model, int seed, int count = 64)
    {
        using var _ = no_grad();
        using var images = new Images(seed, model.ImageSide);
        return Numbers(count).Average(number =>
        {
            using var scope = NewDisposeScope();
            var painting = images.Paint(images.Scene(number));
            var decoded = model.Vae.DecodeImages(model.Vae.Encode(Images.Pixels([painting]).to(model.Device)));
            return new Image(painting.Size, painting.Size, painting.Rgb).Psnr(decoded[0]);
        });
    }

    /// <summary>
    /// Noises drawn images, evaluates the U-Net once with their captions, and compares the subject word's map with the mask.
    /// </summary>
    public static AttentionQuality Attention(StableDiffusionModel model, long timestep, int seed, int count = 64)
    {
        using var _ = no_grad();
        using var images = new Images(seed, model.ImageSide);
        using var generator = new Generator((ulong)seed, CPU);
        var noise = NoiseSchedule.Create(model.SchedulerConfig.Noise).Level(timestep);
        var found = Numbers(count).Select(number => Look(model, images, number, timestep, noise, generator)).OfType<Finding>().ToList();
        return new AttentionQuality(
            timestep, found.Count, found.Average(f => f.Hit ? 1.0 : 0.0), found.Average(f => f.Chance), found.Average(f => f.MassRatio));
    }

    /// <summary>
    /// The judge's accuracy on drawings of the model's size. Encoded and decoded drawings are the best images that the model can
    /// make, so this is an upper bound for the agreement of its images with their prompts.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="judge">The judge.</param>
    /// <param name="encoded">Whether the drawings are first encoded and decoded by the model's autoencoder.</param>
    /// <param name="count">Number of drawings.</param>
    public static IReadOnlyList<JudgeAccuracy> Judged(StableDiffusionModel model, ImageJudge judge, bool encoded, int count = 256) =>
        JudgeTraining.Validate(judge, model.ImageSide, count, encoded ? pixels => model.Vae.Decode(model.Vae.Encode(pixels.to(model.Device))).cpu() : null);

    private static IEnumerable<long> Numbers(int count) => Enumerable.Range(0, count).Select(i => First + i);

    private static Finding? Look(
        StableDiffusionModel model, Images images, long number, long timestep, NoiseLevel level, Generator generator)
    {
        using var scope = NewDisposeScope();
        var scene = images.Scene(number);
        var painting = images.Paint(scene);
        var prompt = model.Tokenizer.Tokenize(Caption.Canonical(scene).Text);
        var latents = model.Vae.Encode(Images.Pixels([painting]).to(model.Device));
        var noisy = level.AddNoise(latents, randn(latents.shape, device: CPU, generator: generator).to(model.Device)).to(model.Dtype);
        var (height, width) = MapResolution.Choose(model.Shape.UNet, (int)latents.shape[2], (int)latents.shape[3]);
        var region = painting.Region(Part.Subject, width, height);
        if (region.Max() < OnSubject)
            return null;
        using var maps = new AttentionMaps(height, width);
        using var attention = new EditAttentionProcessor([null], maps: maps);
        var step = new DenoisingStep(0, timestep, [new BatchRow(0, Conditional: true)]);
        // Encode before the U-Net is used: some models hold only one part in memory at a time.
        var text = TextConditioning.Encode(model, [prompt]);
        model.UNet.Forward(noisy, tensor(new[] { timestep }, device: model.Device), text, attention, step);
        var map = WordMap.Of(maps, 0, prompt, [scene.Subject.ToString().ToLowerInvariant()]);
        var inside = map.Values.Zip(region, (value, share) => (double)value * share).Sum() / map.Values.Sum();
        return new Finding(region[map.Peak] >= OnSubject, region.Average(share => share >= OnSubject ? 1.0 : 0.0), inside / region.Average());
    }

    private sealed record Finding(bool Hit, double Chance, double MassRatio);
}
