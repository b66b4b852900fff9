using CsCheck;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Compositing;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Compositing;

public class CompositeTests
{
    private const int PerLatent = 4;

    private static readonly Gen<PixelSize> Sizes = Gen.Select(Gen.Int[1, 50], Gen.Int[1, 50], (width, height) => new PixelSize(width, height));

    private static readonly Gen<Framing> Framings =
        from kind in Gen.Enum<FramingKind>()
        from size in Sizes
        from target in Targets
        from left in Gen.Int[0, size.Width - 1]
        from right in Gen.Int[0, size.Width - 1 - left]
        from top in Gen.Int[0, size.Height - 1]
        from bottom in Gen.Int[0, size.Height - 1 - top]
        select Framing.Create(kind, size, target, PerLatent, new PixelMargins(left, right, top, bottom));

    private static readonly Gen<Framing> WholeFramings =
        from kind in Gen.Bool.Select(fits => fits ? FramingKind.Fit : FramingKind.Pad)
        from size in Sizes
        from target in Targets
        select Framing.Create(kind, size, target, PerLatent);

    private static Gen<PixelSize> Targets => Gen.Select(Gen.Int[1, 6], Gen.Int[1, 6], (width, height) => new PixelSize(width, height) * PerLatent);

    [Fact]
    public void EachPixelIsTheOriginalsTheEditsOrBetween() => Cases(Framings).Sample(sample =>
    {
        var (original, framing, edited, source, mask) = sample;
        var opacities = OpacityMap.Of(framing, edited, source, region: null, PerLatent);
        var restored = framing.Restore(edited, original);

        var drawn = Composite.Create(original, framing, edited, opacities, mask);

        Assert.Equal(original.Size, drawn.Size);
        var region = framing.Region;
        var row = new float[region.Width];
        for (var y = 0; y < original.Height; y++)
        {
            var isInside = y >= region.Y && y < region.Y + region.Height && opacities.Read(y, row);
            for (var x = 0; x < original.Width; x++)
            {
                var pixel = (y * original.Width) + x;
                var opacity = isInside && x >= region.X && x < region.X + region.Width ? row[x - region.X] * mask[pixel] : 0;
                Assert.InRange(opacity, 0, 255);
                for (var i = 3 * pixel; i < 3 * (pixel + 1); i++)
                {
                    if (opacity == 0)
                        Assert.Equal(original.Rgb[i], drawn.Rgb[i]);
                    else if (opacity == 255)
                        Assert.Equal(restored.Rgb[i], drawn.Rgb[i]);
                    else
                        Assert.InRange(drawn.Rgb[i], Math.Min(original.Rgb[i], restored.Rgb[i]), Math.Max(original.Rgb[i], restored.Rgb[i]));
                }
            }
        }
    });

    [Fact]
    public void AnEditThatChangesNothingIsTheOriginal() => Cases(Framings).Sample(sample =>
    {
        var opacities = OpacityMap.Of(sample.Framing, sample.Edited, sample.Edited, region: null, PerLatent);
        Assert.Equal(sample.Original.Rgb, Composite.Create(sample.Original, sample.Framing, sample.Edited, opacities).Rgb);
    });

    [Fact]
    public void AnEditThatChangesEverythingIsTheEdit() => Cases(WholeFramings).Sample(sample =>
    {
        var inverse = sample.Edited with { Rgb = [.. sample.Edited.Rgb.Select(value => (byte)(value < 128 ? 255 : 0))] };
        var opacities = OpacityMap.Of(sample.Framing, sample.Edited, inverse, region: null, PerLatent);
        Assert.Equal(sample.Framing.Restore(sample.Edited, sample.Original).Rgb, Composite.Create(sample.Original, sample.Framing, sample.Edited, opacities).Rgb);
    });

    [Fact]
    public void OnlyTheChangedPlaceIsTheEdits()
    {
        // A red square appears in the middle of a gray image; the original has a texture that the model does not see.
        var (original, source) = (Textured(400, 400), Flat(64, 64, 128));
        var framing = Framing.Create(FramingKind.Fit, original.Size, source.Size, 8);
        var edited = Painted(source, (x, y) => x is >= 24 and < 40 && y is >= 24 and < 40);

        var drawn = Composite.Create(original, framing, edited, OpacityMap.Of(framing, edited, source, region: null, 8));

        var restored = framing.Restore(edited, original);
        for (var y = 0; y < 400; y++)
        {
            for (var x = 0; x < 400; x++)
            {
                // In pixels of the framed image.
                var distance = Math.Max(Math.Max(24 - (x / 6.25), (x / 6.25) - 40), Math.Max(24 - (y / 6.25), (y / 6.25) - 40));
                if (distance < 0)
                    Assert.Equal(Pixel(restored, x, y), Pixel(drawn, x, y));
                else if (distance > 16)
                    Assert.Equal(Pixel(original, x, y), Pixel(drawn, x, y));
            }
        }
    }

    [Fact]
    public void NothingShowsOutsideTheRegion()
    {
        var (original, edited, source) = (Textured(150, 150), Flat(64, 64, 250), Flat(64, 64, 10));
        var framing = Framing.Create(FramingKind.Fit, original.Size, source.Size, 8);
        using var region = zeros([8, 8]);
        region[3..6, 2..5] = ones([3, 3]);

        var drawn = Composite.Create(original, framing, edited, OpacityMap.Of(framing, edited, source, region, 8));

        var changed = 0;
        for (var y = 0; y < 150; y++)
        {
            for (var x = 0; x < 150; x++)
            {
                if (Pixel(original, x, y) == Pixel(drawn, x, y))
                    continue;
                changed++;
                // The pixel lies in a position of the region, as a mask without interpolation would be drawn.
                Assert.InRange((int)((y + 0.5) * 8 / 150), 3, 5);
                Assert.InRange((int)((x + 0.5) * 8 / 150), 2, 4);
            }
        }

        Assert.True(changed > 1000, $"{changed} pixels changed");
        Assert.Equal(Pixel(framing.Restore(edited, original), 65, 84), Pixel(drawn, 65, 84));
    }

    [Theory]
    [InlineData(FramingKind.Crop, 400, 300)]
    [InlineData(FramingKind.Crop, 300, 400)]
    [InlineData(FramingKind.Pad, 400, 300)]
    [InlineData(FramingKind.Fit, 400, 300)]
    public void AGradientHasNoSeam(FramingKind kind, int width, int height)
    {
        // The sky of an evening, over one of noon: the whole framed part changes.
        var original = Sky(width, height, 120, 200);
        var framing = Framing.Create(kind, original.Size, new PixelSize(128, 128), 8);
        var source = framing.Apply(original);
        var edited = framing.Apply(Sky(width, height, 40, 160));

        var drawn = Composite.Create(original, framing, edited, OpacityMap.Of(framing, edited, source, region: null, 8));

        Assert.Equal(Pixel(framing.Restore(edited, original), width / 2, height / 2), Pixel(drawn, width / 2, height / 2));
        // The two skies differ by 80 bytes, over a tenth of the shorter side; smoothstep is half as steep again.
        var steepest = (int)Math.Ceiling(1.5 * 80 / (0.1 * Math.Min(width, height))) + 1;
        for (var y = 1; y < height; y++)
        {
            for (var x = 1; x < width; x++)
            {
                Assert.InRange(Math.Abs(drawn.Rgb[3 * ((y * width) + x)] - drawn.Rgb[3 * ((y * width) + x - 1)]), 0, steepest);
                Assert.InRange(Math.Abs(drawn.Rgb[3 * ((y * width) + x)] - drawn.Rgb[3 * (((y - 1) * width) + x)]), 0, steepest);
            }
        }
    }

    [Fact]
    public void EveryPositionOfARegionShowsItsEdit() => Gen.Bool.Array2D[6, 5].Sample(
        cells =>
        {
            const int Latent = 8;
            using var region = tensor(cells, device: CPU).to(ScalarType.Float32);
            var (edited, source) = (Flat(5 * Latent, 6 * Latent, 250), Flat(5 * Latent, 6 * Latent, 10));
            var map = OpacityMap.Of(Framing.Create(FramingKind.Fit, edited.Size, edited.Size, Latent), edited, source, region, Latent);
            var strongest = new float[6, 5];
            var row = new float[edited.Width];
            for (var y = 0; y < edited.Height; y++)
            {
                if (!map.Read(y, row))
                    continue;
                for (var x = 0; x < row.Length; x++)
                    strongest[y / Latent, x / Latent] = Math.Max(strongest[y / Latent, x / Latent], row[x]);
            }

            for (var y = 0; y < 6; y++)
            {
                for (var x = 0; x < 5; x++)
                    Assert.Equal(cells[y, x] ? 1 : 0, strongest[y, x], 1e-6f);
            }
        },
        iter: 50);

    [Fact]
    public void AQuantileOfManyNumbersIsTheSame() =>
        Gen.Select(Gen.Single[-10, 10].Array[1, 200], Gen.Double[0, 1]).Sample((numbers, share) =>
        {
            using var values = tensor(numbers, device: CPU);
            Assert.Equal(ChangeMap.Quantile(values, share, maxElements: 1000), ChangeMap.Quantile(values, share, maxElements: 0), 1e-4);
        });

    [Fact]
    public void AWeakChangeBesideAStrongOneIsDrift()
    {
        var source = Flat(64, 64, 128);
        var weak = source with { Rgb = [.. source.Rgb.Select((value, i) => i / 3 % 64 < 16 ? (byte)(value + 13) : value)] };
        var both = Painted(weak, (x, _) => x >= 48);
        using var alone = ChangeMap.Of(weak, source, 8);
        using var beside = ChangeMap.Of(both, source, 8);
        Assert.Equal(1, alone[32, 8].item<float>());
        Assert.Equal(0, beside[32, 8].item<float>());
        Assert.Equal(1, beside[32, 56].item<float>());
    }

    private static Gen<(Image Original, Framing Framing, Image Edited, Image Source, byte[] Mask)> Cases(Gen<Framing> framings) =>
        from framing in framings
        from original in PictureOf(framing.Original)
        from edited in PictureOf(framing.Framed)
        from source in PictureOf(framing.Framed)
        from same in Gen.Int[0, edited.Rgb.Length]
        from mask in Gen.OneOf(Gen.Const((byte)0), Gen.Const((byte)255), Gen.Byte).Array[framing.Original.Width * framing.Original.Height]
        select (original, framing, edited, source with { Rgb = [.. edited.Rgb[..same], .. source.Rgb[same..]] }, mask);

    private static Gen<Image> PictureOf(PixelSize size) =>
        from rgb in Gen.Byte.Array[size.Width * size.Height * 3]
        select new Image(size.Width, size.Height, rgb);

    private static Image Flat(int width, int height, byte value) => new(width, height, [.. Enumerable.Repeat(value, width * height * 3)]);

    private static Image Textured(int width, int height) =>
        new(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(128 + (i / 3 % 7 * 5) - (i / 3 / width % 5 * 4)))]);

    // Bright above, brighter below.
    private static Image Sky(int width, int height, int above, int below) =>
        new(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(above + ((below - above) * (i / 3 / width) / height)))]);

    private static Image Painted(Image picture, Func<int, int, bool> isPainted) => picture with
    {
        Rgb = [.. picture.Rgb.Select((old, i) => isPainted(i / 3 % picture.Width, i / 3 / picture.Width) ? (byte)(i % 3 == 0 ? 255 : 20) : old)],
    };

    private static (byte, byte, byte) Pixel(Image picture, int x, int y)
    {
        var i = 3 * ((y * picture.Width) + x);
        return (picture.Rgb[i], picture.Rgb[i + 1], picture.Rgb[i + 2]);
    }
}
