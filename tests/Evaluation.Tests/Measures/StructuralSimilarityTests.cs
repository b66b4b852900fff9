using CsCheck;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Measures;

namespace PromptToPrompt.Evaluation.Tests.Measures;

public sealed class StructuralSimilarityTests
{
    private static readonly Gen<Image> Images = Gen.Byte.Array[14 * 12 * 3].Select(rgb => new Image(14, 12, rgb));

    // The value comes from a direct evaluation of the definition, two-dimensional window by window.
    [Fact]
    public void AKnownValue()
    {
        var one = Gray(17, 13, (x, y) => ((x * 13) + (y * 7)) % 256);
        var other = Gray(17, 13, (x, y) => ((x * 11) + (y * 17) + (x * y % 5 * 9)) % 256);
        Assert.Equal(0.08876752731198721, StructuralSimilarity.Of(one, other), 1e-10);
    }

    // Without variance, only the term of the means is left.
    [Fact]
    public void OfPlainImagesItIsThatOfTheirMeans()
    {
        const double C1 = 2.55 * 2.55;
        var expected = ((2 * 100.0 * 150) + C1) / ((100.0 * 100) + (150.0 * 150) + C1);
        Assert.Equal(expected, StructuralSimilarity.Of(Gray(11, 11, (_, _) => 100), Gray(11, 11, (_, _) => 150)), 1e-10);
    }

    [Fact]
    public void AnImageIsLikeItselfAndNoOrderMatters() => Gen.Select(Images, Images).Sample((one, other) =>
    {
        var similarity = StructuralSimilarity.Of(one, other);
        return Math.Abs(StructuralSimilarity.Of(one, one) - 1) < 1e-12
            && Math.Abs(similarity - StructuralSimilarity.Of(other, one)) < 1e-12
            && similarity is >= -1 and < 1;
    }, iter: 50);

    [Fact]
    public void ANegativeIsLessThanUnrelated()
        => Assert.InRange(StructuralSimilarity.Of(Gray(20, 20, (x, _) => x % 2 * 255), Gray(20, 20, (x, _) => 255 - (x % 2 * 255))), -1, -0.9);

    [Fact]
    public void ImagesThatCannotBeComparedAreRefused()
    {
        Assert.Throws<ArgumentException>(() => StructuralSimilarity.Of(Gray(10, 20, (_, _) => 0), Gray(10, 20, (_, _) => 0)));
        Assert.Throws<ArgumentException>(() => StructuralSimilarity.Of(Gray(12, 20, (_, _) => 0), Gray(20, 12, (_, _) => 0)));
    }

    private static Image Gray(int width, int height, Func<int, int, int> value)
        => new(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)value(i / 3 % width, i / 3 / width))]);
}
