using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.TextualInversion;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Concepts;

/// <summary>A thing of the drawn world to learn a word for: always the same subject, colour and pattern, in other places.</summary>
/// <param name="Subject">What it is; the word for it is what the new one begins as.</param>
/// <param name="Colour">Its colour, which the new word must come to mean.</param>
/// <param name="Trait">Its pattern.</param>
public sealed record DrawnConcept(Subject Subject, Colour Colour, Trait Trait)
{
    private static readonly Place[] Places = [Place.Field, Place.Forest, Place.Beach, Place.City, Place.Desert, Place.Mountains];

    /// <summary>What the benchmark learns.</summary>
    public static IReadOnlyList<DrawnConcept> All { get; } =
    [
        new(Subject.Cat, Colour.Purple, Trait.Striped),
        new(Subject.Dog, Colour.Blue, Trait.Spotted),
        new(Subject.Rabbit, Colour.Green, Trait.Striped),
    ];

    /// <summary>The word it begins as.</summary>
    public string Initial => Lower(Subject);

    /// <summary>The word that is learned.</summary>
    public string Word => $"<my-{Initial}>";

    /// <summary>What the model would have to be told without the word.</summary>
    public string Description => $"{Lower(Trait)} {Lower(Colour)} {Initial}";

    /// <summary>Draws the pictures to learn from, six, each with a caption that says where it is and nothing of what it is.</summary>
    /// <param name="side">Their side in pixels.</param>
    public IReadOnlyList<ExamplePicture> Draw(int side)
    {
        using var pictures = new Pictures(seed: 0, side);
        return [.. Places.Select((place, i) => Draw(pictures, new Scene { Subject = Subject, Colour = Colour, Trait = Trait, Place = place, LayoutSeed = i }))];
    }

    private ExamplePicture Draw(Pictures pictures, Scene scene)
    {
        var painting = pictures.Paint(scene);
        var picture = new Picture(painting.Size, painting.Size, painting.Rgb);
        var caption = Caption.Canonical(scene).Text.Replace(Description, PromptTemplates.Place, StringComparison.Ordinal);
        return new ExamplePicture(picture, SizeConditioning.Of(picture.Size), caption);
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
