using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;

namespace PromptToPrompt.Lab.Benches;

/// <summary>Measurements that need only drawings: word attention, autoencoder quality, accuracy of judge and color reader.</summary>
internal sealed record DrawnFigures(
    IReadOnlyList<AttentionQuality> Attention, double AutoencoderPsnr, double ColorReader, IReadOnlyList<JudgeAccuracy> Judge, IReadOnlyList<JudgeAccuracy> JudgeOnEncoded)
{
    // Of the 1000 timesteps of the training.
    private static readonly long[] Timesteps = [261, 461];

    /// <summary>Takes the measurements.</summary>
    public static DrawnFigures Of(StableDiffusionModel model, ImageJudge judge, ColorReader colors, int seed) => new(
        [.. Timesteps.Select(timestep => DrawnQuality.Attention(model, timestep, seed))],
        DrawnQuality.AutoencoderPsnr(model, seed),
        colors.DrawnAccuracy,
        DrawnQuality.Judged(model, judge, encoded: false),
        DrawnQuality.Judged(model, judge, encoded: true));
}
