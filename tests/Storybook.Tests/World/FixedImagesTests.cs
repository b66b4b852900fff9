using PromptToPrompt.Storybook.World;
using SkiaSharp;

namespace PromptToPrompt.Storybook.Tests.World;

/// <summary>
/// A seed's pictures stay what the embedded model was trained on, change of code or not: the first scenes against a sheet of them.
/// A picture that is meant to change needs a new sheet and, in time, a new model.
/// </summary>
public sealed class FixedImagesTests
{
    private const int Size = 32, Columns = 12, Rows = 8;

    // Processors may round a color differently; a thing that moves, turns or is missing changes far more.
    private const double MaxDifference = 0.25;

    [Fact]
    public void FirstScenesLookAsOnTheSheet()
    {
        using var sheet = SKBitmap.Decode(Path.Combine(AppContext.BaseDirectory, "Fixtures", "scenes.png"));
        using var painter = new ScenePainter();
        for (var k = 0; k < Columns * Rows; k++)
        {
            var rgb = painter.Paint(Scene.Sample(new Random(k)), Size).Rgb;
            var difference = Enumerable.Range(0, Size * Size).Average(p => Difference(sheet.GetPixel((k % Columns * Size) + (p % Size), (k / Columns * Size) + (p / Size)), rgb.AsSpan(p * 3, 3)));
            Assert.True(difference < MaxDifference, $"scene {k} differs by {difference:F2} of 255 on average");
        }
    }

    private static double Difference(SKColor expected, ReadOnlySpan<byte> actual) =>
        (Math.Abs(expected.Red - actual[0]) + Math.Abs(expected.Green - actual[1]) + Math.Abs(expected.Blue - actual[2])) / 3.0;
}
