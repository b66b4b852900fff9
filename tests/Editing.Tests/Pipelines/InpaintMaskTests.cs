using CsCheck;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Editing.Tests.Pipelines;

public class InpaintMaskTests
{
    private static readonly Gen<(Image Under, Image Over, Image Mask, double Feather)> Cases =
        from width in Gen.Int[1, 24]
        from height in Gen.Int[1, 24]
        let bytes = Gen.Byte.Array[width * height * 3]
        from under in bytes
        from over in bytes
        from mask in bytes
        from feather in Gen.Double[0, 3]
        select (new Image(width, height, under), new Image(width, height, over), new Image(width, height, mask), feather);

    [Fact]
    public void PixelsOutsideTheMaskStayByteForByte() => Cases.Sample(sample =>
    {
        var mask = sample.Mask with { Rgb = [.. sample.Mask.Rgb.Select((_, i) => sample.Mask.Rgb[i / 3 * 3] > 127 ? byte.MaxValue : byte.MinValue)] };
        byte[] shares;
        try
        {
            shares = InpaintMask.Shares(mask, sample.Feather);
        }
        catch (InvalidInputException)
        {
            return;
        }

        var mixed = InpaintMask.Composite(sample.Under, sample.Over, shares);
        for (var i = 0; i < mixed.Rgb.Length; i++)
        {
            if (mask.Rgb[i] == 0)
                Assert.Equal(sample.Under.Rgb[i], mixed.Rgb[i]);
            else if (sample.Feather == 0)
                Assert.Equal(sample.Over.Rgb[i], mixed.Rgb[i]);
            else
                Assert.InRange(mixed.Rgb[i], Math.Min(sample.Under.Rgb[i], sample.Over.Rgb[i]), Math.Max(sample.Under.Rgb[i], sample.Over.Rgb[i]));
        }
    });

    [Fact]
    public void SoftEdgeRisesFromTheEdgeInwards()
    {
        // The left half is black; the mask reaches to the right border, where nothing fades.
        var shares = InpaintMask.Shares(Mask(64, 3, (x, _) => x >= 32), feather: 8);
        Assert.All(shares[..32], share => Assert.Equal(0, share));
        Assert.InRange(shares[32], 2, 51);
        Assert.InRange(shares[32 + 8], 230, 255);
        Assert.Equal(255, shares[63]);
        Assert.Equal(shares[..64].Order(), shares[..64]);
    }

    [Fact]
    public void OpenMaskIsTakenWhole() => Assert.All(InpaintMask.Shares(Mask(9, 7, (_, _) => true), feather: 5), share => Assert.Equal(255, share));

    [Fact]
    public void SoftEdgeWiderThanTheMaskIsRefused() => Assert.Contains(
        "feather of 20", Assert.Throws<InvalidInputException>(() => InpaintMask.Shares(Mask(40, 40, (x, y) => x == 20 && y == 20), feather: 20)).Message);

    internal static Image Mask(int width, int height, Func<int, int, bool> isWhite) => new(
        width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => isWhite(i / 3 % width, i / 3 / width) ? byte.MaxValue : byte.MinValue)]);
}
