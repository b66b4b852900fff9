using CsCheck;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Tests.Pipelines;

namespace PromptToPrompt.Diffusion.Tests.Images;

public class FramingTests
{
    private static readonly Gen<PixelSize> Sizes = Gen.Select(Gen.Int[1, 60], Gen.Int[1, 60], (width, height) => new PixelSize(width, height));

    private static readonly Gen<(FramingKind Kind, Image Image, PixelSize Target, PixelMargins Margins)> Cases =
        from kind in Gen.Enum<FramingKind>()
        from size in Sizes
        from rgb in Gen.Byte.Array[size.Width * size.Height * 3]
        from target in Sizes
        from left in Gen.Int[0, size.Width - 1]
        from right in Gen.Int[0, size.Width - 1 - left]
        from top in Gen.Int[0, size.Height - 1]
        from bottom in Gen.Int[0, size.Height - 1 - top]
        select (kind, new Image(size.Width, size.Height, rgb), target, new PixelMargins(left, right, top, bottom));

    /// <summary>The published null-text code's load_512, byte for byte: margins, the middle square, Pillow's bicubic resize.</summary>
    [Theory]
    [InlineData("load_512.png", 0, 0, 0, 0)]
    [InlineData("load_512_offsets.png", 10, 21, 30, 45)]
    public void CropIsThePublishedCodes(string expected, int left, int right, int top, int bottom)
    {
        var folder = ReferenceModel.Folder("nulltext");
        var odd = Image.Load(Path.Combine(folder, "odd.png"));
        var framing = Framing.Create(FramingKind.Crop, odd.Size, new PixelSize(512, 512), 8, new PixelMargins(left, right, top, bottom));

        Assert.Equal(Image.Load(Path.Combine(folder, expected)).Rgb, framing.Apply(odd).Rgb);
    }

    [Theory]
    [InlineData(640, 480, 140, 60, 360, 360)]
    [InlineData(100, 301, 0, 100, 100, 100)]
    public void CropTakesTheMiddleWithinTheMargins(int width, int height, int x, int y, int partWidth, int partHeight)
    {
        var margins = width == 640 ? new PixelMargins(0, 0, 60, 60) : default;
        var framing = Framing.Create(FramingKind.Crop, new PixelSize(width, height), new PixelSize(64, 64), 8, margins);
        Assert.Equal(new PixelRectangle(x, y, partWidth, partHeight), framing.Region);
    }

    [Theory]
    [InlineData(640, 480, 592, 440)]
    [InlineData(480, 640, 440, 592)]
    [InlineData(100, 100, 512, 512)]
    [InlineData(4000, 1000, 1024, 256)]
    [InlineData(100000, 1, 32768, 8)]
    public void FitKeepsShapeAndArea(int width, int height, int framedWidth, int framedHeight)
    {
        var framing = Framing.Create(FramingKind.Fit, new PixelSize(width, height), new PixelSize(512, 512), 8);
        Assert.Equal(new PixelSize(framedWidth, framedHeight), framing.Framed);
        Assert.Equal(PixelRectangle.Whole(new PixelSize(width, height)), framing.Region);
    }

    [Fact]
    public void PadRepeatsTheOutermostPixels()
    {
        var image = ImageFiles.Gradient(8, 4);
        var framed = Framing.Create(FramingKind.Pad, image.Size, new PixelSize(8, 8), 8).Apply(image);
        for (var y = 0; y < image.Height; y++)
            Assert.Equal(image.Row(y), framed.Row(2 + y));
        Assert.Equal(image.Row(0), framed.Row(0));
        Assert.Equal(image.Row(3), framed.Row(7));
    }

    [Fact]
    public void WhatIsRestoredStaysUntouchedOutsideTheRegion() => Cases.Sample(sample =>
    {
        var framing = Framing.Create(sample.Kind, sample.Image.Size, sample.Target, 4, sample.Margins);
        var framed = framing.Apply(sample.Image);
        Assert.Equal(framing.Framed, framed.Size);
        var black = new Image(framed.Width, framed.Height, new byte[framed.Rgb.Length]);

        var restored = framing.Restore(black, sample.Image);

        Assert.Equal(sample.Image.Size, restored.Size);
        var region = framing.Region;
        for (var i = 0; i < restored.Rgb.Length; i++)
        {
            var (x, y) = (i / 3 % restored.Width, i / 3 / restored.Width);
            var inside = x >= region.X && x < region.X + region.Width && y >= region.Y && y < region.Y + region.Height;
            Assert.Equal(inside ? 0 : sample.Image.Rgb[i], restored.Rgb[i]);
        }
    });

    [Fact]
    public void FlatImagesStayFlat() => Cases.Sample(sample =>
    {
        var flat = sample.Image with { Rgb = [.. sample.Image.Rgb.Select((_, i) => sample.Image.Rgb[i % 3])] };
        var framed = Framing.Create(sample.Kind, flat.Size, sample.Target, 4, sample.Margins).Apply(flat);
        for (var i = 0; i < framed.Rgb.Length; i++)
            Assert.Equal(flat.Rgb[i % 3], framed.Rgb[i]);
    });

    [Fact]
    public void ImageOfTheModelsSizeIsNotChanged() => Cases.Sample(sample =>
    {
        var framing = Framing.Create(sample.Kind, sample.Image.Size, sample.Image.Size, 1);
        var framed = framing.Apply(sample.Image);
        Assert.Equal(sample.Image.Rgb, framed.Rgb);
        Assert.Equal(sample.Image.Rgb, framing.Restore(framed, sample.Image).Rgb);
    });

    [Theory]
    [InlineData(-1, 0, 0, 0)]
    [InlineData(50, 50, 0, 0)]
    [InlineData(0, 0, int.MaxValue, int.MaxValue)]
    public void MarginsThatLeaveNothingAreRefused(int left, int right, int top, int bottom) =>
        Assert.Throws<InvalidInputException>(() => Framing.Create(
            FramingKind.Crop, new PixelSize(100, 100), new PixelSize(64, 64), 8, new PixelMargins(left, right, top, bottom)));
}
