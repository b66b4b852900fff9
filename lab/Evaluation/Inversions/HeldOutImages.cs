using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>Drawn images that no model was trained on, each with an edit: alternately another subject and another color.</summary>
internal static class HeldOutImages
{
    // Training uses the beginning of a sequence of images, other measures start at 2⁴¹; these come from far beyond.
    private const long First = 3L << 41;

    // A position covered by less than this counts as not covered.
    private const double Touched = 0.02;

    private static readonly EditKind[] Kinds = [EditKind.SubjectSwap, EditKind.ColorSwap];

    /// <summary>Draws images at a model's size; equal counts and seeds give equal images.</summary>
    public static IEnumerable<SampleImage> Draw(StableDiffusionModel model, int count, int seed)
    {
        var positions = model.Shape.UNet.SampleSize;
        using var images = new Images(seed, positions * model.Shape.Vae.PixelsPerLatent);
        for (var i = 0; i < count; i++)
        {
            var pair = EditPairs.Make(Kinds[i % Kinds.Length], images.Numbers(First + i));
            var (source, target) = (images.Paint(pair.Source), images.Paint(pair.Target));
            yield return new($"drawing {i + 1}", Image(source), pair.SourcePrompt, new(pair, Image(target), Region(source, target, positions)));
        }
    }

    private static Image Image(Painting painting) => new(painting.Size, painting.Size, painting.Rgb);

    private static bool[] Region(Painting source, Painting target, int positions)
    {
        var covered = source.Region(Part.Subject, positions, positions).Zip(target.Region(Part.Subject, positions, positions), Math.Max);
        return new WordMap(positions, positions, [.. covered]).PixelRegion(source.Size, source.Size, Touched, dilated: true);
    }
}
