using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.TextualInversion;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Concepts;

/// <summary>How often the judge recognizes the prompt's content, 0…1.</summary>
/// <param name="Subject">The subject.</param>
/// <param name="Color">Its color.</param>
/// <param name="Setting">The setting, such as snow; only for prompts that have one.</param>
internal readonly record struct ConceptScore(double Subject, double Color, double Setting);

/// <summary>The images of one wording, from the same noise as those of the others.</summary>
/// <param name="Wording">The text in place of the word.</param>
/// <param name="Score">The judge's score.</param>
/// <param name="Samples">Some of the images, with their prompts.</param>
internal sealed record WordingMeasurement(string Wording, ConceptScore Score, IReadOnlyList<(Image Image, string Prompt)> Samples);

/// <summary>The measurements of one concept.</summary>
/// <param name="Concept">The concept.</param>
/// <param name="InitialLoss">Loss on held-out examples with the initial word.</param>
/// <param name="LearnedLoss">Loss on held-out examples with the learned word.</param>
/// <param name="Wordings">The initial word, the learned one, and a description in the model's own words, which is the upper bound.</param>
internal sealed record ConceptMeasurement(DrawnConcept Concept, double InitialLoss, double LearnedLoss, IReadOnlyList<WordingMeasurement> Wordings);

/// <summary>Learns a word from drawings, and lets the judge evaluate the model's images of it.</summary>
internal sealed class ConceptTrial : IDisposable
{
    private const int SamplesOfPrompt = 2;

    // Settings that the training images did not show, so that the word must combine with them.
    private static readonly (string Prompt, Slot? Slot, int Value)[] Prompts =
    [
        ($"a {PromptTemplates.Place}", null, 0),
        ($"a {PromptTemplates.Place} in the snow", Slot.Weather, (int)Weather.Snow),
        ($"a {PromptTemplates.Place} at night", Slot.Time, (int)TimeOfDay.Night),
    ];

    private readonly ImageJudge judge;
    private readonly DrawnConcept concept;
    private readonly TextualInversionTraining training;
    private readonly PixelSize size;

    /// <summary>Draws the training images.</summary>
    /// <param name="model">The model.</param>
    /// <param name="judge">The judge.</param>
    /// <param name="concept">The concept to learn.</param>
    /// <param name="steps">Number of optimizer steps.</param>
    public ConceptTrial(StableDiffusionModel model, ImageJudge judge, DrawnConcept concept, int steps)
    {
        (this.judge, this.concept) = (judge, concept);
        size = new PixelSize(model.ImageSide, model.ImageSide);
        Given = concept.Draw(model.ImageSide);
        training = new TextualInversionTraining(model, new TextualInversionSettings { Word = concept.Word, Initial = concept.Initial, Steps = steps }, Given);
    }

    /// <summary>The training images.</summary>
    public IReadOnlyList<ExampleImage> Given { get; }

    /// <summary>Trains step by step.</summary>
    public IEnumerable<ConceptProgress> Learn(CancellationToken cancellationToken = default) => training.Run(cancellationToken);

    /// <summary>Generates images with each wording, and judges them.</summary>
    /// <param name="seeds">Number of images per prompt.</param>
    /// <param name="cancellationToken">Cancels the generation.</param>
    public ConceptMeasurement Measure(int seeds, CancellationToken cancellationToken = default) => new(
        concept, training.InitialHeldOutLoss(), training.HeldOutLoss(),
        [.. new[] { concept.Initial, concept.Word, concept.Description }.Select(wording => Measure(wording, seeds, cancellationToken))]);

    /// <inheritdoc/>
    public void Dispose() => training.Dispose();

    private WordingMeasurement Measure(string wording, int seeds, CancellationToken cancellationToken)
    {
        var drawn = Prompts.SelectMany(asked => Enumerable.Range(0, seeds).Select(seed =>
        {
            var prompt = PromptTemplates.Fill(asked.Prompt, wording);
            var image = training.Draw(prompt, (ulong)seed, size, cancellationToken);
            var seen = judge.Judge(image);
            bool? setting = asked.Slot is { } slot ? seen.Best(slot) == asked.Value : null;
            return (
                Sample: seed < SamplesOfPrompt ? (image, prompt) : ((Image, string)?)null,
                Subject: seen.Best(Slot.Subject) == (int)concept.Subject,
                Color: seen.Best(Slot.Color) == (int)concept.Color,
                Setting: setting);
        })).ToList();
        return new(
            wording,
            new ConceptScore(Share(drawn.Select(d => d.Subject)), Share(drawn.Select(d => d.Color)), Share(drawn.Select(d => d.Setting).OfType<bool>())),
            [.. drawn.Select(d => d.Sample).OfType<(Image, string)>()]);

        static double Share(IEnumerable<bool> seen) => seen.Average(right => right ? 1.0 : 0.0);
    }
}
