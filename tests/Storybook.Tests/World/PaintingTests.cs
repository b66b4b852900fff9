using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class PaintingTests
{
    [Theory]
    [InlineData(64, 64)]
    [InlineData(16, 16)]
    [InlineData(8, 8)]
    [InlineData(12, 5)]
    [InlineData(1, 1)]
    [InlineData(96, 100)]
    public void AGridKeepsTheArea(int width, int height)
    {
        using var painter = new ScenePainter();
        var painting = painter.Paint(new Scene { Subject = Subject.Cat, Place = Place.Beach, LayoutSeed = 4 }, 64);
        foreach (var part in Enum.GetValues<Part>())
        {
            var cells = painting.Region(part, width, height);
            Assert.Equal(width * height, cells.Length);
            Assert.All(cells, cell => Assert.InRange(cell, 0, 1));
            Assert.Equal(painting.Region(part).Average(), cells.Average(), 1e-4f);
        }
    }

    [Fact]
    public void AGridOfTheImagesSizeIsTheImageItself()
    {
        using var painter = new ScenePainter();
        var painting = painter.Paint(new Scene { Subject = Subject.Dog, Place = Place.City, LayoutSeed = 4 }, 32);
        Assert.Equal(painting.Region(Part.Subject), painting.Region(Part.Subject, 32, 32));
    }
}
