using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>Drawn images that no model was trained on, each with an edit: alternately another subject and another color.</summary>
public static class HeldOutPictures
{
    // Training uses the beginning of a sequence of images, other measures start at 2⁴¹; these come from far beyond.
    private const long First = 3L << 41;

    // A position covered by less than this counts as not covered.
    private const double Touched = 0.02;

    private static readonly EditKind[] Kinds = [EditKind.SubjectSwap, EditKind.ColourSwap];

    /// <summary>Draws images at a model's size; equal counts and seeds give equal images.</summary>
    public static IEnumerable<SamplePicture> Draw(StableDiffusionModel model, int count, int seed)
    {
        var positions = model.Shape.UNet.SampleSize;
        using var pictures = new Pictures(seed, positions * model.Shape.Vae.PixelsPerLatent);
        for (var i = 0; i < count; i++)
        {
            var pair = EditPairs.Make(Kinds[i % Kinds.Length], pictures.Numbers(First + i));
            var (source, target) = (pictures.Paint(pair.Source), pictures.Paint(pair.Target));
            yield return new($"drawing {i + 1}", Picture(source), pair.SourcePrompt, new(pair, Picture(target), Region(source, target, positions)));
        }
    }

    private static Picture Picture(Painting painting) => new(painting.Size, painting.Size, painting.Rgb);

    private static bool[] Region(Painting source, Painting target, int positions)
    {
        var covered = source.Region(Part.Subject, positions, positions).Zip(target.Region(Part.Subject, positions, positions), Math.Max);
        return new WordMap(positions, positions, [.. covered]).PixelRegion(source.Size, source.Size, Touched, dilated: true);
    }
}
