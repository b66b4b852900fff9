using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>Options of the sweep.</summary>
internal sealed record WeightSweepOptions
{
    /// <summary>Number of images per word, each from another seed.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Classifier-free guidance.</summary>
    public double Guidance { get; init; } = 5;

    /// <summary>Seed of the first noise.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>A word to re-weight.</summary>
/// <param name="Prompt">The prompt that contains it.</param>
/// <param name="Word">The word.</param>
/// <param name="Slot">The slot that the word specifies.</param>
/// <param name="Value">The value that it names.</param>
internal sealed record SweptWord(string Prompt, string Word, Slot Slot, int Value);

/// <summary>An image with a re-weighted word.</summary>
/// <param name="Word">The word.</param>
/// <param name="Seed">Seed of the noise.</param>
/// <param name="Weight">The weight.</param>
/// <param name="Image">The image.</param>
/// <param name="Presence">The judge's probability of what the word names, 0…1.</param>
/// <param name="Change">Mean absolute difference (0…255) from the image at weight 1.</param>
/// <param name="Structure">Agreement of edges with that image, −1…1.</param>
/// <param name="Strength">Root mean square of the final latents relative to that at weight 1: values far from 1 indicate damage.</param>
/// <param name="SubjectKept">Whether the judge recognizes the same subject as in that image.</param>
internal sealed record WeightMeasurement(
    SweptWord Word, ulong Seed, float Weight, Image Image, double Presence, double Change, double Structure, double Strength, bool SubjectKept);

/// <summary>Re-weights words of prompts and measures the effect on what the word names and on the rest of the image.</summary>
internal static class WeightSweep
{
    /// <summary>The weights, including 1 (the source).</summary>
    public static IReadOnlyList<float> Weights { get; } = [-2, -1, 0, 0.5f, 1, 2, 3, 4, 6];

    /// <summary>The words.</summary>
    public static IReadOnlyList<SweptWord> Words { get; } =
    [
        Of("a red house in a field in the snow", "snow", Weather.Snow),
        Of("a white castle in the mountains with a rainbow", "rainbow", Weather.Rainbow),
        Of("a brown horse in a forest in the fog", "fog", Weather.Fog),
        Of("a tree in a field in autumn", "autumn", Weather.Autumn),
        Of("a blue car in the city at night", "night", TimeOfDay.Night),
        Of("a white boat on a lake at sunset", "sunset", TimeOfDay.Sunset),
        Of("a red cat on the beach", "red", Color.Red),
        Of("a blue bird in a forest", "blue", Color.Blue),
        Of("a watercolor of a house by a river", "watercolor", Style.Watercolor),
    ];

    /// <summary>Measures word by word and seed by seed; yields one entry per weight each time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="judge">Judges what an image shows.</param>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static IEnumerable<IReadOnlyList<WeightMeasurement>> Measure(
        StableDiffusionModel model, ImageJudge judge, WeightSweepOptions options, CancellationToken cancellationToken = default)
    {
        foreach (var word in Words)
        {
            for (var seed = options.Seed; seed < options.Seed + (ulong)options.Seeds; seed++)
                yield return Measure(model, judge, options, word, seed, cancellationToken);
        }
    }

    // All weights in one batch; weight 1 is the source itself.
    private static List<WeightMeasurement> Measure(
        StableDiffusionModel model, ImageJudge judge, WeightSweepOptions options, SweptWord word, ulong seed, CancellationToken cancellationToken)
    {
        float[] others = [.. Weights.Where(weight => weight != 1)];
        using var result = EditRun.Execute(
            model,
            new GenerationRequest { Prompt = word.Prompt, Sampling = new() { Steps = options.Steps, Guidance = options.Guidance, Seed = seed } },
            new EditRequest { Prompts = [.. others.Select(weight => Weighted(word, weight))] },
            cancellationToken: cancellationToken);
        var judgements = judge.Judge(result.Images);
        var strengths = Strengths(result);
        return
        [
            .. Weights.Select(weight =>
            {
                var row = Array.IndexOf(others, weight) + 1;
                return new WeightMeasurement(
                    word,
                    seed,
                    weight,
                    result.Images[row],
                    judgements[row].Probability(word.Slot, word.Value),
                    ImageComparison.Difference(result.Images[0], result.Images[row]),
                    ImageComparison.StructureAgreement(result.Images[0], result.Images[row]),
                    strengths[row] / strengths[0],
                    judgements[row].Best(Slot.Subject) == judgements[0].Best(Slot.Subject));
            }),
        ];
    }

    private static double[] Strengths(EditResult result)
    {
        using var strengths = result.Latents.Squared().mean([1, 2, 3]).sqrt_();
        return [.. strengths.cpu().data<float>().Select(strength => (double)strength)];
    }

    private static string Weighted(SweptWord word, float weight) =>
        word.Prompt.Replace(word.Word, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"({word.Word}:{weight})"), StringComparison.Ordinal);

    private static SweptWord Of(string prompt, string word, Enum value) => new(
        prompt,
        word,
        value switch
        {
            Color => Slot.Color,
            TimeOfDay => Slot.Time,
            Weather => Slot.Weather,
            Style => Slot.Style,
            _ => throw new ArgumentOutOfRangeException(nameof(value)),
        },
        Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture));
}
