using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Images;

public class ImageReaderTests
{
    [Fact]
    public void PngIsReadAsItWasWritten()
    {
        var image = ImageFiles.Gradient(37, 21);
        var read = Read(ImageFiles.Encoded(image));
        Assert.Equal(image.Size, read.Size);
        Assert.Equal(image.Rgb, read.Rgb);
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void OtherFormatsAreRead(SKEncodedImageFormat format)
    {
        var image = new Image(32, 16, [.. Enumerable.Range(0, 32 * 16 * 3).Select(i => (byte)(i % 3 == 0 ? 200 : 90))]);
        var read = Read(ImageFiles.Encoded(image, format, quality: 95));
        Assert.Equal(image.Size, read.Size);
        AssertWithin(4, image.Rgb, read.Rgb);
    }

    [Fact]
    public void BmpAndGifAreRead()
    {
        // One blue pixel: file header, information header, and a row padded to four bytes.
        AssertFlat([0, 0, 255], Read([
            .. "BM"u8, 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 4, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0]), within: 0);

        // One pixel of a palette of black and orange.
        AssertFlat([255, 128, 0], Read([
            .. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 128, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4C, 1, 0, 0x3B]), within: 0);
    }

    // Where the left upper, right upper, right lower and left lower stored corner are seen, reading the seen corners in that order.
    private static readonly Dictionary<char, byte> CornerColors = new() { ['A'] = 20, ['B'] = 90, ['C'] = 160, ['D'] = 230 };
    private static readonly string[] Seen = ["ABCD", "BADC", "CDAB", "DCBA", "ADCB", "DABC", "CBAD", "BCDA"];

    public static TheoryData<SKEncodedImageFormat, ushort, bool> Orientations => [.. from format in new[] { SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp }
        from orientation in Enumerable.Range(1, 8) from isBigEndian in new[] { false, true } select new TheoryDataRow<SKEncodedImageFormat, ushort, bool>(format, (ushort)orientation, isBigEndian)];

    [Theory]
    [MemberData(nameof(Orientations))]
    public void ExifOrientationIsApplied(SKEncodedImageFormat format, ushort orientation, bool isBigEndian) =>
        AssertTurned(ImageFiles.WithOrientation(ImageFiles.Encoded(Corners(48, 32), format), orientation, isBigEndian), orientation);

    [Theory]
    [InlineData(3, false)]
    [InlineData(6, true)]
    [InlineData(8, true)]
    public void OrientationInTheOlderTextOfPngIsApplied(ushort orientation, bool isCompressed) =>
        AssertTurned(ImageFiles.WithRawProfile(ImageFiles.Encoded(Corners(48, 32)), orientation, isCompressed), orientation);

    [Fact]
    public void ExifThatMeansNothingTurnsNothing()
    {
        var png = ImageFiles.WithOrientation(ImageFiles.Encoded(Corners(48, 32)), 9);
        AssertTurned(png, 1);
        for (var at = 41; at < 67; at++)
        {
            var odd = png.ToArray();
            odd[at] = 0xFF;
            // The decoder refuses chunks with wrong checksums or passes over them; nothing else may happen.
            try
            {
                Read(odd);
            }
            catch (InvalidInputException)
            {
            }
        }
    }

    [Theory]
    [InlineData(255, 10, 20, 30)]
    [InlineData(0, 255, 255, 255)]
    [InlineData(51, 206, 208, 210)]
    public void TransparencyLiesOverWhite(byte alpha, int red, int green, int blue) => AssertFlat(
        [red, green, blue], Read(ImageFiles.Flat(SKColorType.Rgba8888, SKAlphaType.Unpremul, new SKColor(10, 20, 30, alpha))), within: 1);

    [Fact]
    public void GrayBecomesRgb() => AssertFlat(
        [77, 77, 77], Read(ImageFiles.Flat(SKColorType.Gray8, SKAlphaType.Opaque, new SKColor(77, 77, 77))), within: 0);

    [Fact]
    public void SixteenBitsBecomeEight()
    {
        var png = ImageFiles.Flat(SKColorType.Rgba16161616, SKAlphaType.Unpremul, new SKColor(200, 100, 50));
        Assert.Equal(16, png[24]);
        AssertFlat([200, 100, 50], Read(png), within: 1);
    }

    [Fact]
    public void CmykBecomesRgb()
    {
        var read = ImageReader.Read(Path.Combine(AppContext.BaseDirectory, "Fixtures", "pictures", "cmyk.jpg"));
        Assert.Equal(new PixelSize(16, 8), read.Size);
        AssertWithin(2, [255, 0, 0], Pixel(read, 3, 3).ToArray());
        AssertWithin(2, [0, 255, 255], Pixel(read, 12, 3).ToArray());
    }

    [Fact]
    public void ColorProfilesAreConvertedToSrgb()
    {
        using var wide = SKColorSpace.CreateRgb(SKColorSpaceTransferFn.Srgb, SKColorSpaceXyz.DisplayP3);
        // Erase converts the sRGB color into the wide space; reading must bring it back.
        using var bitmap = new SKBitmap(new SKImageInfo(4, 4, SKColorType.Rgba8888, SKAlphaType.Opaque, wide));
        bitmap.Erase(new SKColor(230, 60, 40));
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Assert.NotEqual(230, bitmap.GetPixelSpan()[0]);
        AssertFlat([230, 60, 40], Read(png.ToArray()), within: 2);
    }

    [Theory]
    [InlineData(40000, 10)]
    [InlineData(10, 40000)]
    [InlineData(20000, 20000)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void HugeImagesAreRefusedBeforeDecoding(int width, int height)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var message = Refused(ImageFiles.Claiming(ImageFiles.Encoded(ImageFiles.Gradient(8, 8)), width, height));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        if (width < int.MaxValue)
            Assert.Contains($"{width}x{height}", message);
    }

    [Fact]
    public void DamagedFilesAreRefused()
    {
        var damaged = ImageFiles.Encoded(ImageFiles.Gradient(200, 150));
        damaged.AsSpan(damaged.Length / 3, 200).Fill(0x5A);
        Refused(damaged);
    }

    [Fact]
    public void EndlessStreamsAreRefused()
    {
        using var endless = new Endless();
        Assert.Contains("MiB", Assert.Throws<InvalidInputException>(() => ImageReader.Read(endless, "endless")).Message);
    }

    [Fact]
    public void PathsThatAreNoFilesAreNamed()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in new[] { folder[""], folder["no-such.png"] })
            AssertOneLine(path, Assert.Throws<InvalidInputException>(() => Image.Load(path)).Message);
    }

    private static Image Read(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        return ImageReader.Read(stream, "test");
    }

    private static Image Corners(int width, int height)
    {
        var stored = new byte[width * height * 3];
        for (var i = 0; i < stored.Length; i++)
        {
            var (x, y) = (i / 3 % width, i / 3 / width);
            stored[i] = CornerColors[y < height / 2 ? (x < width / 2 ? 'A' : 'B') : (x < width / 2 ? 'D' : 'C')];
        }

        return new Image(width, height, stored);
    }

    private static void AssertTurned(byte[] file, int orientation)
    {
        var read = Read(file);
        Assert.Equal(orientation < 5 ? new PixelSize(48, 32) : new PixelSize(32, 48), read.Size);
        (int X, int Y)[] places = [(2, 2), (read.Width - 3, 2), (read.Width - 3, read.Height - 3), (2, read.Height - 3)];
        Assert.All(places.Zip(Seen[orientation - 1]), pair => Assert.InRange(
            Pixel(read, pair.First.X, pair.First.Y)[0], CornerColors[pair.Second] - 4, CornerColors[pair.Second] + 4));
    }

    private static string Refused(byte[] bytes)
    {
        var message = Assert.Throws<InvalidInputException>(() => Read(bytes)).Message;
        AssertOneLine("test", message);
        return message;
    }

    private static void AssertOneLine(string name, string message)
    {
        Assert.Contains(name, message);
        Assert.DoesNotContain('\n', message);
    }

    private static ReadOnlySpan<byte> Pixel(Image image, int x, int y) => image.Rgb.AsSpan(((y * image.Width) + x) * 3, 3);

    private static void AssertFlat(int[] expected, Image actual, int within)
    {
        for (var i = 0; i < actual.Rgb.Length; i++)
            Assert.InRange(actual.Rgb[i], expected[i % 3] - within, expected[i % 3] + within);
    }

    private static void AssertWithin(int difference, byte[] expected, byte[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - difference, pair.First + difference));

    private sealed class Endless : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => count;

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
