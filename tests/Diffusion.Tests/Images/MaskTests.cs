using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Images;

/// <summary>The rule of masks. Every mask here is to be read as its left quarter, from whatever form.</summary>
public class MaskTests
{
    private const int Width = 32;
    private const int Height = 12;

    private static readonly byte[] Half = [.. Pixels(left => left ? (byte)1 : (byte)0)];

    public static TheoryData<string> Readable =>
    [
        "gray 0/255", "gray 0/1", "gray 0/100", "gray 20/200", "gray 1 bit", "gray 16 bit", "gray 16 bit 0/1", "gray 16 bit 0/255", "rgb 0/255", "rgb 0/1",
        "palette black/white", "palette black/dark red", "palette transparent/white", "palette transparent/black", "jpeg",
        "white on transparent", "black on transparent", "red on transparent", "white on transparent white", "white on transparent black",
        "soft white on transparent", "thin white on transparent", "white, alpha 0/1", "16 bit white on transparent", "gray with constant alpha",
        "gray and alpha that agree", "gray alpha",
    ];

    [Theory]
    [MemberData(nameof(Readable))]
    public void MasksOfAllFormsAreRead(string form)
    {
        var mask = Read(File(form));
        Assert.Equal(new PixelSize(Width, Height), mask.Size);
        Assert.Equal(Half.Select(white => white == 1 ? byte.MaxValue : byte.MinValue), mask.Rgb.Where((_, i) => i % 3 == 0));
        Assert.All(mask.Rgb.Chunk(3), pixel => Assert.Equal([pixel[0], pixel[0], pixel[0]], pixel));
    }

    [Theory]
    [MemberData(nameof(Readable))]
    public void WhatIsStoredOfAMaskIsReadAsTheMaskWas(string form)
    {
        if (form.StartsWith("gray 16 bit 0/", StringComparison.Ordinal))
            return;
        using var file = Open(File(form));
        Assert.Equal(Read(File(form)).Rgb, Read(file.ToPng(2048, out _)).Rgb);
    }

    [Theory]
    [InlineData(255)]
    [InlineData(200)]
    [InlineData(1)]
    public void AllMayChange(byte value) => Assert.All(Read(Gray(_ => value)).Rgb, channel => Assert.Equal(byte.MaxValue, channel));

    [Theory]
    [InlineData("black", "black everywhere")]
    [InlineData("dark gray", "brightest value is 100 of 255")]
    [InlineData("transparent", "transparent everywhere")]
    [InlineData("transparent with colors", "transparent everywhere")]
    [InlineData("white and black on transparent", "bright and dark paint")]
    [InlineData("photograph with a hole", "bright and dark paint")]
    [InlineData("mask with a hole", "bright and dark paint")]
    public void WhatIsNoMaskOrNotClearIsRefused(string form, string expected)
    {
        var message = Assert.Throws<InvalidInputException>(() => Read(File(form))).Message;
        Assert.Contains(expected, message);
        Assert.StartsWith("test", message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void AMaskIsTurnedAsItsFileSays()
    {
        var turned = Read(ImageFiles.WithOrientation(File("white on transparent"), 6));
        Assert.Equal(new PixelSize(Height, Width), turned.Size);
        Assert.Equal(byte.MaxValue, turned.Rgb[0]);
        Assert.Equal(byte.MinValue, turned.Rgb[^1]);
    }

    [Theory]
    [InlineData(32, 12)]
    [InlineData(64, 24)]
    [InlineData(320, 120)]
    [InlineData(333, 125)]
    [InlineData(16, 6)]
    public void AMaskOfTheImagesShapeIsScaled(int width, int height)
    {
        var fitted = Mask.Fit(Read(File("gray 0/255")), new PixelSize(width, height));
        Assert.Equal(new PixelSize(width, height), fitted.Size);
        Assert.All(fitted.Rgb, channel => Assert.True(channel is 0 or 255));
        Assert.InRange(fitted.Rgb.Count(channel => channel == 255) / (double)fitted.Rgb.Length, 0.23, 0.27);
    }

    [Theory]
    [InlineData(12, 32)]
    [InlineData(32, 32)]
    [InlineData(32, 14)]
    [InlineData(640, 200)]
    public void AMaskOfAnotherShapeIsRefusedWithBothSizes(int width, int height)
    {
        var message = Assert.Throws<InvalidInputException>(() => Mask.Fit(Read(File("gray 0/255")), new PixelSize(width, height))).Message;
        Assert.Contains("32x12", message);
        Assert.Contains($"{width}x{height}", message);
    }

    // The mask is one of the whole picture, and framed as that is.
    [Theory]
    [InlineData(FramingKind.Crop, 0)]
    [InlineData(FramingKind.Fit, 0.25)]
    [InlineData(FramingKind.Pad, 0.25)]
    public void AMaskIsFramedAsItsImageIs(FramingKind kind, double white)
    {
        var framing = Framing.Create(kind, new PixelSize(2 * Width, 2 * Height), new PixelSize(24, 24), 8);
        var mask = Read(File("gray 0/255"));
        if (white == 0)
        {
            Assert.Contains("black", Assert.Throws<InvalidInputException>(() => Mask.Frame(mask, framing)).Message);
            return;
        }

        var framed = Mask.Frame(mask, framing);
        Assert.Equal(framing.Framed, framed.Size);
        Assert.InRange(framed.Rgb.Count(channel => channel == 255) / (double)framed.Rgb.Length, white - 0.03, white + 0.03);
    }

    [Fact]
    public void AnImageInMemoryIsReadByTheSameRule()
    {
        var mask = Read(File("gray 0/255"));
        Assert.Equal(mask.Rgb, Mask.Of(mask).Rgb);
        Assert.Equal(mask.Rgb, Mask.Of(mask with { Rgb = [.. mask.Rgb.Select(channel => (byte)(channel & 1))] }).Rgb);
        Assert.Contains("black", Assert.Throws<InvalidInputException>(() => Mask.Of(mask with { Rgb = new byte[mask.Rgb.Length] })).Message);
    }

    [Theory]
    [InlineData(true, 255, 200, 0)]
    [InlineData(false, 255, 127, 0)]
    [InlineData(true, 128, 128, 127)]
    [InlineData(false, 127, 128, 127)]
    public void WhatIsBrighterThanHalfMayChange(bool isWhite, byte red, byte green, byte blue) => Assert.Equal(
        isWhite ? [255, 255, 255] : new byte[3], Mask.Of(new Image(3, 1, [red, green, blue, 255, 255, 255, 60, 60, 60])).Rgb[..3]);

    private static IEnumerable<T> Pixels<T>(Func<bool, T> value) => Enumerable.Range(0, Width * Height).Select(i => value(i % Width < Width / 4));

    private static byte[] Gray(Func<bool, byte> value) => ImageFiles.Png(Width, Height, 8, 0, [.. Pixels(value)]);

    private static byte[] Deep(Func<bool, ushort> value) =>
        ImageFiles.Png(Width, Height, 16, 0, [.. Pixels(value).SelectMany(number => new[] { (byte)(number >> 8), (byte)number })]);

    private static byte[] Rgba(Func<bool, (byte Gray, byte Alpha)> value) =>
        ImageFiles.Png(Width, Height, 8, 6, [.. Pixels(value).SelectMany(pixel => new[] { pixel.Gray, pixel.Gray, pixel.Gray, pixel.Alpha })]);

    private static byte[] Palette(byte[] left, byte[] right, byte rightAlpha = 255, byte leftAlpha = 255) =>
        ImageFiles.Png(Width, Height, 8, 3, [.. Pixels(isLeft => isLeft ? (byte)1 : (byte)0)], [.. right, .. left], rightAlpha == 255 ? null : [rightAlpha, leftAlpha]);

    private static byte[] File(string form) => form switch
    {
        "gray 0/255" => Gray(left => left ? (byte)255 : (byte)0),
        "gray 0/1" => Gray(left => left ? (byte)1 : (byte)0),
        "gray 0/100" => Gray(left => left ? (byte)100 : (byte)0),
        "gray 20/200" => Gray(left => left ? (byte)200 : (byte)20),
        "gray 1 bit" => ImageFiles.Png(Width, Height, 1, 0, [.. Enumerable.Range(0, Height).SelectMany(_ => new byte[] { 0xFF, 0, 0, 0 })]),
        "gray 16 bit" => Deep(left => left ? (ushort)60000 : (ushort)100),
        "gray 16 bit 0/1" => Deep(left => left ? (ushort)1 : (ushort)0),
        "gray 16 bit 0/255" => Deep(left => left ? (ushort)255 : (ushort)0),
        "rgb 0/255" => ImageFiles.Png(Width, Height, 8, 2, [.. Pixels(left => left ? new byte[] { 255, 255, 255 } : [0, 0, 0]).SelectMany(pixel => pixel)]),
        "rgb 0/1" => ImageFiles.Png(Width, Height, 8, 2, [.. Pixels(left => left ? new byte[] { 1, 1, 1 } : [0, 0, 0]).SelectMany(pixel => pixel)]),
        "palette black/white" => Palette([255, 255, 255], [0, 0, 0]),
        "palette black/dark red" => Palette([128, 0, 0], [0, 0, 0]),
        "palette transparent/white" => Palette([255, 255, 255], [255, 255, 255], rightAlpha: 0),
        "palette transparent/black" => Palette([0, 0, 0], [255, 255, 255], rightAlpha: 0),
        "jpeg" => ImageFiles.Encoded(Read(Gray(left => left ? (byte)255 : (byte)0)), SKEncodedImageFormat.Jpeg, quality: 90),
        "white on transparent" => Rgba(left => left ? ((byte)255, (byte)255) : ((byte)0, (byte)0)),
        "white on transparent white" => Rgba(left => left ? ((byte)255, (byte)255) : ((byte)255, (byte)0)),
        "white on transparent black" => Rgba(left => left ? ((byte)255, (byte)255) : ((byte)0, (byte)0)),
        "black on transparent" => Rgba(left => left ? ((byte)0, (byte)255) : ((byte)0, (byte)0)),
        "red on transparent" => ImageFiles.Png(Width, Height, 8, 6, [.. Pixels(left => left ? new byte[] { 216, 70, 42, 255 } : [216, 70, 42, 0]).SelectMany(pixel => pixel)]),
        "soft white on transparent" => Rgba(left => left ? ((byte)255, (byte)170) : ((byte)255, (byte)60)),
        "thin white on transparent" => Rgba(left => left ? ((byte)255, (byte)90) : ((byte)0, (byte)0)),
        "white, alpha 0/1" => Rgba(left => left ? ((byte)255, (byte)1) : ((byte)255, (byte)0)),
        "16 bit white on transparent" => ImageFiles.Png(
            Width, Height, 16, 6, [.. Pixels(left => left ? Enumerable.Repeat((byte)255, 8) : Enumerable.Repeat((byte)0, 8)).SelectMany(pixel => pixel)]),
        "gray with constant alpha" => Rgba(left => left ? ((byte)255, (byte)128) : ((byte)0, (byte)128)),
        "gray and alpha that agree" => Rgba(left => left ? ((byte)250, (byte)250) : ((byte)5, (byte)5)),
        "gray alpha" => ImageFiles.Png(Width, Height, 8, 4, [.. Pixels(left => left ? new byte[] { 255, 255 } : [255, 0]).SelectMany(pixel => pixel)]),
        "black" => Gray(_ => 0),
        "dark gray" => Gray(left => left ? (byte)100 : (byte)30),
        "transparent" => Rgba(_ => ((byte)0, (byte)0)),
        "transparent with colors" => Rgba(left => left ? ((byte)255, (byte)0) : ((byte)0, (byte)0)),
        "white and black on transparent" => ImageFiles.Png(
            Width, Height, 8, 6, [.. Enumerable.Range(0, Width * Height).SelectMany(i => (i % 3) switch { 0 => new byte[] { 255, 255, 255, 255 }, 1 => [0, 0, 0, 255], _ => [0, 0, 0, 0] })]),
        "photograph with a hole" => ImageFiles.Png(
            Width, Height, 8, 6, [.. Enumerable.Range(0, Width * Height).SelectMany(i => new byte[] { (byte)(i * 5), (byte)(i * 5), (byte)(i * 3), (byte)(i % 7 == 0 ? 0 : 255) })]),
        "mask with a hole" => ImageFiles.Png(
            Width, Height, 8, 6, [.. Enumerable.Range(0, Width * Height).SelectMany(i => i == 40 ? new byte[] { 0, 0, 0, 0 } : [.. Enumerable.Repeat((byte)(i % Width < 8 ? 255 : 0), 3), 255])]),
        _ => throw new ArgumentOutOfRangeException(nameof(form)),
    };

    private static ImageFile Open(byte[] file) => ImageFile.Open(new MemoryStream(file), "test");

    private static Image Read(byte[] file)
    {
        using var opened = Open(file);
        return opened.ReadMask();
    }
}
