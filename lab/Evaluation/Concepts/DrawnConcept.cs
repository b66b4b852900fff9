using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.TextualInversion;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Concepts;

/// <summary>A thing of the drawn world to learn a word for: always the same subject, color and pattern, in different places.</summary>
/// <param name="Subject">The subject; its word initializes the new one.</param>
/// <param name="Color">Its color, which the new word must learn.</param>
/// <param name="Trait">Its pattern.</param>
internal sealed record DrawnConcept(Subject Subject, Color Color, Trait Trait)
{
    private static readonly Place[] Places = [Place.Field, Place.Forest, Place.Beach, Place.City, Place.Desert, Place.Mountains];

    /// <summary>The concepts of the benchmark.</summary>
    public static IReadOnlyList<DrawnConcept> All { get; } =
    [
        new(Subject.Cat, Color.Purple, Trait.Striped),
        new(Subject.Dog, Color.Blue, Trait.Spotted),
        new(Subject.Rabbit, Color.Green, Trait.Striped),
    ];

    /// <summary>The initial word.</summary>
    public string Initial => Lower(Subject);

    /// <summary>The new word.</summary>
    public string Word => $"<my-{Initial}>";

    /// <summary>The description in the model's own words.</summary>
    public string Description => $"{Lower(Trait)} {Lower(Color)} {Initial}";

    /// <summary>Draws the six training images, each with a caption that names the place but does not describe the thing.</summary>
    /// <param name="side">Their side in pixels.</param>
    public IReadOnlyList<ExampleImage> Draw(int side)
    {
        using var images = new Images(seed: 0, side);
        return [.. Places.Select((place, i) => Draw(images, new Scene { Subject = Subject, Color = Color, Trait = Trait, Place = place, LayoutSeed = i }))];
    }

    private ExampleImage Draw(Images images, Scene scene)
    {
        var painting = images.Paint(scene);
        var image = new Image(painting.Size, painting.Size, painting.Rgb);
        var caption = Caption.Canonical(scene).Text.Replace(Description, PromptTemplates.Place, StringComparison.Ordinal);
        return new ExampleImage(image, SizeConditioning.Of(image.Size), caption);
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
