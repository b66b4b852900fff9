using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Editing.Tests.TextualInversion;

/// <summary>Pictures to learn from: a disc of one color on a ground that differs.</summary>
internal static class ConceptImages
{
    public static IReadOnlyList<ExampleImage> For(StableDiffusionModel model) => For(model.ImageSide);

    public static IReadOnlyList<ExampleImage> For(int side) =>
        [.. Enumerable.Range(0, 2).Select(i => new ExampleImage(Disc(side, i), SizeConditioning.Of(new PixelSize(side, side))))];

    private static Image Disc(int side, int number)
    {
        var rgb = new byte[side * side * 3];
        for (var pixel = 0; pixel < side * side; pixel++)
        {
            var (y, x) = Math.DivRem(pixel, side);
            var inside = Math.Pow(x - (side * (0.4 + (0.1 * number))), 2) + Math.Pow(y - (side / 2), 2) < side * side / 9;
            (rgb[pixel * 3], rgb[(pixel * 3) + 1], rgb[(pixel * 3) + 2]) = inside ? ((byte)230, (byte)60, (byte)150) : ((byte)(70 * number), (byte)190, (byte)120);
        }

        return new Image(side, side, rgb);
    }
}
