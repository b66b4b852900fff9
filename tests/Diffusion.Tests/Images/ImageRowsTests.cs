using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Images;

/// <summary>Images that are decoded, framed, reduced and stored row by row: they are those of the whole image, and take less memory.</summary>
[Trait("Category", "Slow")]
public sealed class ImageRowsTests
{
    // Against decoding all of it: nothing that anybody sees, at any orientation and of sides that are no multiples.
    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg, 1)]
    [InlineData(SKEncodedImageFormat.Jpeg, 6)]
    [InlineData(SKEncodedImageFormat.Jpeg, 8)]
    [InlineData(SKEncodedImageFormat.Webp, 1)]
    [InlineData(SKEncodedImageFormat.Webp, 7)]
    [InlineData(SKEncodedImageFormat.Png, 6)]
    public void WhatIsDecodedAtTheSizeThatIsNeededLooksTheSame(SKEncodedImageFormat format, ushort orientation)
    {
        var file = ImageFiles.WithOrientation(ImageFiles.Encoded(ImageFiles.Photograph(643, 427), format, quality: 90), orientation);
        var whole = ImageFiles.Read(file);
        foreach (var kind in Enum.GetValues<FramingKind>())
        {
            foreach (var side in new[] { 40, 80, 400 })
            {
                var framing = Framing.Create(kind, whole.Size, new PixelSize(side, side), 8, new PixelMargins(11, 3, 0, 5));
                using var opened = ImageFiles.Open(file);
                Assert.Equal(whole.Size, opened.Size);
                var needed = opened.Read(framing);
                var psnr = Psnr(framing.Apply(whole), needed);
                Assert.True(psnr > 43, $"{kind} {side}: {psnr:F1} dB");
            }
        }
    }

    [Fact]
    public void APngIsReducedWithoutHoldingItWhole()
    {
        var photograph = ImageFiles.Photograph(1203, 1601);
        var file = ImageFiles.Encoded(photograph);
        using var opened = ImageFiles.Open(file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var small = opened.ReadWithin(128);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        Assert.Equal(96, small.Width);
        var psnr = Psnr(photograph.Resize(small.Width, small.Height), small);
        Assert.True(psnr > 43, $"{psnr:F1} dB");
    }

    [Fact]
    public void APhotographTakesNoMoreMemoryThanIsNeeded()
    {
        var file = ImageFiles.Encoded(ImageFiles.Photograph(2400, 1600), SKEncodedImageFormat.Jpeg, quality: 80);
        using var opened = ImageFiles.Open(file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var small = opened.ReadWithin(256);
        Assert.Equal(new PixelSize(256, 170), small.Size);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3 << 20);

        // Whole, it is held once, and nothing else of its size.
        before = GC.GetAllocatedBytesForCurrentThread();
        var whole = opened.Read();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, whole.Rgb.Length, whole.Rgb.Length + (4 << 20));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void TransparencyIsKeptInWhatIsStored(ushort orientation)
    {
        byte[] rows = [.. Enumerable.Range(0, 40 * 30).SelectMany(i => new byte[] { (byte)(i % 40 * 6), (byte)(i / 40 * 8), 90, (byte)(i * 7) })];
        var png = ImageFiles.WithOrientation(ImageFiles.Png(40, 30, 8, 6, rows), orientation);
        using var opened = ImageFiles.Open(png);
        var stored = opened.ToPng(2048, out var size);
        Assert.Equal(opened.Size, size);
        Assert.Equal(ImageFiles.Read(png).Rgb, ImageFiles.Read(stored).Rgb);
        _ = opened.ToPng(20, out var smaller);
        Assert.Equal(orientation == 1 ? new PixelSize(20, 15) : new PixelSize(15, 20), smaller);
    }

    [Theory]
    [InlineData("png", 1)]
    [InlineData("png", 6)]
    [InlineData("interlaced.png", 1)]
    [InlineData("baseline.jpg", 1)]
    [InlineData("gif", 1)]
    public void AnImageThatIsFramedRowByRowIsTheSame(string kind, ushort orientation)
    {
        using var opened = ImageFiles.Open(orientation == 1 ? ImageFiles.Of(kind) : ImageFiles.WithOrientation(ImageFiles.Of(kind), orientation));
        var whole = opened.Read();
        foreach (var framing in Enum.GetValues<FramingKind>().SelectMany(framed => new[] { 16, 40, 200 }.Select(side => Framing.Create(framed, whole.Size, new PixelSize(side, side), 8, new PixelMargins(5, 3, 0, 7)))).Append(Framing.Whole(whole.Size)))
        {
            var framed = opened.Frame(framing);
            Assert.Equal(framing.Framed, framed.Size);
            Assert.Equal(framing.Apply(whole).Rgb, framed.Rgb);
        }
    }

    /// <summary>Against the library's decoder, which reads files with a palette or a profile.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 3)]
    [InlineData(4, 2)]
    [InlineData(6, 4)]
    public void APngThatIsDecodedRowByRowIsTheSame(int colors, int channels)
    {
        const int Width = 61, Height = 47;
        var random = new Random(colors);
        var pixels = new byte[Width * Height * channels];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((i / 3) + random.Next(20));
        // Any filter can be used for any row.
        var rows = Enumerable.Range(0, Height).SelectMany(y => Filtered(pixels, y, Width * channels, channels, y % 5)).ToArray();
        var file = ImageFiles.PngOfRows(Width, Height, 8, (byte)colors, rows);
        using var data = SKData.CreateCopy(file);
        using var lines = PngLines.Open(data)!;
        using var expected = SKBitmap.Decode(file, new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var row = new byte[Width * 4];
        for (var y = 0; y < Height; y++)
        {
            lines.Read(row);
            Assert.True(expected.GetPixelSpan().Slice(y * row.Length, row.Length).SequenceEqual(row), $"row {y}");
        }
    }

    [Fact]
    public void APhotographIsFramedWithoutHoldingItWhole()
    {
        var photograph = ImageFiles.Photograph(1203, 1601);
        using var opened = ImageFiles.Open(ImageFiles.Encoded(photograph));
        var framing = Framing.Create(FramingKind.Crop, photograph.Size, new PixelSize(128, 128), 8);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var framed = opened.Frame(framing);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        Assert.Equal(framing.Apply(photograph).Rgb, framed.Rgb);
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    public void ALargeImageIsStoredRowByRow(SKEncodedImageFormat format)
    {
        using var opened = ImageFiles.Open(ImageFiles.Encoded(ImageFiles.Gradient(2060, 2051), format, quality: 90));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var stored = opened.ToPng(ImageFile.MaxSide, out var size);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (2 * stored.Length) + (4 << 20));
        Assert.Equal(new PixelSize(2060, 2051), size);
        Assert.Equal(opened.Read().Rgb, ImageFiles.Read(stored).Rgb);
    }

    [Fact]
    public void ALargeImageKeepsItsColorsAndItsTransparency()
    {
        const int Width = 2060, Height = 2051;
        var rgba = new byte[Width * Height * 4];
        for (var i = 0; i < rgba.Length; i += 4)
            (rgba[i], rgba[i + 1], rgba[i + 2], rgba[i + 3]) = ((byte)(i >> 2), (byte)(i >> 9), 90, (byte)(i >> 6));
        using var opened = ImageFiles.Open(ImageFiles.Png(Width, Height, 8, 6, rgba));
        using var stored = SKBitmap.Decode(opened.ToPng(ImageFile.MaxSide, out _), new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var kept = stored.GetPixelSpan();
        for (var i = 0; i < rgba.Length; i += 4)
        {
            if (rgba[i + 3] == 0)
                rgba.AsSpan(i, 3).Fill(byte.MaxValue);
        }

        Assert.True(kept.SequenceEqual(rgba));
    }

    private static byte[] Filtered(byte[] pixels, int y, int length, int channels, int filter)
    {
        byte At(int row, int i) => row < 0 || i < 0 ? (byte)0 : pixels[(row * length) + i];
        return
        [
            (byte)filter,
            .. Enumerable.Range(0, length).Select(i =>
            {
                var (left, up, corner) = (At(y, i - channels), At(y - 1, i), At(y - 1, i - channels));
                var plane = left + up - corner;
                var nearest = new[] { left, up, corner }.MinBy(neighbor => Math.Abs(plane - neighbor));
                return (byte)(At(y, i) - filter switch { 1 => left, 2 => up, 3 => (left + up) / 2, 4 => nearest, _ => 0 });
            }),
        ];
    }

    private static double Psnr(Image expected, Image actual)
    {
        Assert.Equal(expected.Size, actual.Size);
        var squares = expected.Rgb.Zip(actual.Rgb, (a, b) => (double)(a - b) * (a - b)).Average();
        return squares == 0 ? double.PositiveInfinity : 10 * Math.Log10(255 * 255 / squares);
    }
}
