using System.Text;
using CsCheck;
using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Images;

[Trait("Category", "Slow")]
public class ImageFileTests
{
    // All kinds of files that hold a picture in pieces, and the bytes at the end that say nothing but that it is over.
    public static TheoryData<string, int> Whole => new()
    {
        { "png", 12 },
        { "interlaced.png", 12 },
        { "baseline.jpg", 2 },
        { "progressive.jpg", 2 },
        { "progressive-grey.jpg", 2 },
        { "progressive-restarts.jpg", 2 },
        { "restarts.jpg", 2 },
        { "lossy.webp", 0 },
        { "lossless.webp", 1 },
        { "gif", 1 },
        { "bmp", 0 },
    };

    public static TheoryData<string, byte[]> DamagedPngs() => new()
    {
        { "an unknown filter", ImageFiles.PngOfRows(2, 2, 8, 2, [0, 1, 2, 3, 4, 5, 6, 5, 1, 2, 3, 4, 5, 6]) },
        { "a preset dictionary", ImageFiles.PngOfData(2, 2, 8, 2, [0x78, 0xBB, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1]) },
        { "no zlib header", ImageFiles.PngOfData(2, 2, 8, 2, [1, 2, 3, 4, 5, 6, 7, 8]) },
    };

    [Theory]
    [MemberData(nameof(DamagedPngs))]
    public void DamagedDataIsOneError(string damage, byte[] png)
    {
        var problem = Record.Exception(() =>
        {
            using var file = Open(png);
            _ = file.ToPng(ImageFile.MaxSide, out _);
        });
        Assert.True(problem is InvalidInputException, $"{damage}: {problem}");
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void WhatIsCutOffAnywhereIsRefused(string kind, int end)
    {
        var file = Bytes(kind);
        var whole = Read(file);
        for (var length = 1; length < file.Length - end; length += length < 40 || length > file.Length - 40 ? 1 : 1 + (file.Length / 40))
        {
            var message = Refused(file[..length], $"{kind} cut to {length} of {file.Length}");
            Assert.True(length < 200 || message.Contains("truncated"), $"{kind} cut to {length}: {message}");
        }

        for (var length = file.Length - end; length < file.Length; length++)
            Assert.Equal(whole.Rgb, Read(file[..length]).Rgb);
    }

    [Theory]
    [InlineData("progressive.jpg")]
    [InlineData("restarts.jpg")]
    public void WhatIsCutOffAndClosedIsRefused(string kind)
    {
        var file = Bytes(kind);
        foreach (var share in new[] { 0.4, 0.6, 0.8, 0.95 })
            Refused([.. file[..(int)(file.Length * share)], 0xFF, 0xD9], $"{kind} {share}");
    }

    /// <summary>A scan may be a few bytes and yet go over the whole picture, so their number is bounded, and so is that of the tables.</summary>
    [Theory]
    [InlineData("progressive.jpg", 0xDA)]
    [InlineData("progressive-grey.jpg", 0xDA)]
    [InlineData("progressive-restarts.jpg", 0xDA)]
    [InlineData("baseline.jpg", 0xDA)]
    [InlineData("baseline.jpg", 0xC4)]
    public void MoreScansThanAnImageNeedsAreRefused(string kind, byte marker)
    {
        var file = Bytes(kind);
        var start = file.AsSpan().IndexOf([(byte)0xFF, marker]);
        var end = start + 2;
        while (file[end] != 0xFF || file[end + 1] is 0 or (>= 0xD0 and <= 0xD7))
            end++;
        byte[] With(int copies) => [.. file[..end], .. Enumerable.Repeat(file[start..end], copies).SelectMany(copy => copy), .. file[end..]];
        Assert.Equal(Read(file).Rgb, Read(With(20)).Rgb);
        Assert.Contains("too many scans", Refused(With(1000), kind));
    }

    /// <summary>A run of empty blocks takes three bytes, so a scan of a large picture may be short too.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0x10)]
    public void ManyScansOfALargeImageAreRefused(byte refinement)
    {
        const int Side = 11_000;
        byte[] scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, refinement, .. EmptyBlocks(Side / 8 * (Side / 8))];
        byte[] header =
        [
            0xFF, 0xD8, 0xFF, 0xC2, 0, 11, 8, Side >> 8, Side & 0xFF, Side >> 8, Side & 0xFF, 1, 1, 0x11, 0,
            0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0,
        ];
        byte[] Scans(int count) => [.. header, .. Enumerable.Repeat(scan, count).SelectMany(copy => copy), 0xFF, 0xD9];
        Assert.Equal(JpegScans.Found.Whole, JpegScans.Check(Scans(10)));
        Assert.Equal(JpegScans.Found.Endless, JpegScans.Check(Scans(90)));

        // The code 0 of a run of 2¹⁴ blocks and more, and how many more.
        static byte[] EmptyBlocks(int blocks)
        {
            const int Longest = (1 << 15) - 1;
            var bits = string.Concat(Enumerable.Range(0, (blocks / Longest) + 1).Select(_ => "0" + new string('1', 14)));
            bits = bits.PadRight((bits.Length + 7) / 8 * 8, '0');
            return [.. bits.Chunk(8).Select(eight => Convert.ToByte(new string(eight), 2)).SelectMany(value => value == 0xFF ? new byte[] { 0xFF, 0 } : [value])];
        }
    }

    // Each text is a mebibyte of zeros.
    [Fact]
    public void ManyTextsOfAPngAreNotAllInflated()
    {
        var png = ImageFiles.Encoded(ImageFiles.Gradient(8, 8));
        var many = ImageFiles.WithRawProfiles(png, Encoding.Latin1.GetBytes(new string('\0', 1 << 20)), 500);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(Read(png).Rgb, Read(many).Rgb);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 << 20);
    }

    [Theory]
    [InlineData("lossy.webp")]
    [InlineData("lossless.webp")]
    public void WebpFilesThatClaimToBeShorterThanTheirHeaderAreRefused(string kind)
    {
        for (var claimed = 0; claimed < 4; claimed++)
        {
            var file = Bytes(kind);
            BitConverter.TryWriteBytes(file.AsSpan(4), claimed);
            Assert.Contains("truncated", Refused(file, $"{claimed} bytes"));
        }
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void FilesWithOtherBytesInTheirHeadersAreOpenedOrRefused(string kind, int end)
    {
        Assert.InRange(end, 0, 12);
        var file = Bytes(kind);
        Gen.Select(Gen.Int[0, Math.Min(file.Length, 300) - 1], Gen.OneOf(Gen.Byte, Gen.Byte[0, 4], Gen.Byte[0xFE, 0xFF])).Array[1, 6].Sample(
            changes =>
            {
                var changed = file.ToArray();
                foreach (var (at, value) in changes)
                    changed[at] = value;
                try
                {
                    Open(changed).Dispose();
                }
                catch (InvalidInputException)
                {
                }
            },
            iter: 300);
    }

    [Theory]
    [InlineData("progressive.jpg")]
    [InlineData("restarts.jpg")]
    [InlineData("lossy.webp")]
    public void WhatFollowsTheEndIsPassedOver(string kind)
    {
        var file = Bytes(kind);
        Assert.Equal(Read(file).Rgb, Read([.. file, .. file, 1, 2, 3]).Rgb);
    }

    [Theory]
    [InlineData("photo.heic", "a HEIC image", "\0\0\0\u0018ftypheic\0\0\0\0mif1heic")]
    [InlineData("photo.heif", "a HEIC image", "\0\0\0\u0018ftypmif1\0\0\0\0mif1heic")]
    [InlineData("photo.avif", "an AVIF image", "\0\0\0\u001Cftypavif\0\0\0\0mif1miaf")]
    [InlineData("photo.avif", "an AVIF image", "\0\0\0\u0018ftypmif1\0\0\0\0mif1avif")]
    [InlineData("clip.mp4", "a video", "\0\0\0\u0018ftypisom\0\0\0\0isommp41")]
    [InlineData("raw.cr3", "CR3", "\0\0\0\u0018ftypcrx \0\0\0\0crx isom")]
    [InlineData("raw.cr2", "CR2", "II*\0\u0010\0\0\0CR\u0002\0")]
    [InlineData("raw.NEF", "NEF", "MM\0*\0\0\0\u0008\0\0")]
    [InlineData("raw.tif", "DNG", "II*\0\u0008\0\0\0\u0001\0\u0012\u00C6\u0001\0\u0004\0\0\0\u0001\u0004\0\0\0\0\0\0")]
    [InlineData("scan.tif", "TIFF", "II*\0\u0008\0\0\0\u0001\0\u000F\u0001\u0001\0\u0004\0\0\0\u0001\u0004\0\0\0\0\0\0")]
    [InlineData("scan.tif", "TIFF", "MM\0*\0\0\0\u0008\0\0")]
    [InlineData("work.psd", "PSD", "8BPS\0\u0001")]
    [InlineData("draw.svg", "SVG", "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>")]
    [InlineData("paper.pdf", "PDF", "%PDF-1.7")]
    [InlineData("photo.jxl", "JPEG XL", "\u00FF\u000A\0\0")]
    [InlineData("photo.jxl", "JPEG XL", "\0\0\0\u000CJXL \r\n\u0087\n")]
    [InlineData("photo.jp2", "JPEG 2000", "\0\0\0\u000CjP  \r\n\u0087\n")]
    [InlineData("photo.jpg", "a web page", "\n<!DOCTYPE html>\n<html><body>Sign in</body></html>")]
    [InlineData("photo.jpg", "a JSON document", "{\"error\":\"Repository not found\"}")]
    [InlineData("photo.jpg", "an XML document", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>")]
    [InlineData("photo.jpg", "Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")]
    [InlineData("photo.jpg", "a text", "this is a text, not a picture")]
    [InlineData("photo.jpg", "a ZIP archive", "PK\u0003\u0004")]
    [InlineData("photo.jpg", "not an image", "\u0001\u0002\u0003\u0004")]
    [InlineData("photo.jpg", "is empty", "")]
    public void OtherFilesAreCalledWhatTheyAre(string name, string expected, string content)
    {
        using var stream = new MemoryStream(Encoding.Latin1.GetBytes(content));
        var message = Assert.Throws<InvalidInputException>(() => ImageFile.Open(stream, name)).Message;
        Assert.StartsWith(name, message);
        Assert.Contains(expected, message);
        Assert.DoesNotContain('\n', message);
    }

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
        var whole = Read(file);
        foreach (var kind in Enum.GetValues<FramingKind>())
        {
            foreach (var side in new[] { 40, 80, 400 })
            {
                var framing = Framing.Create(kind, whole.Size, new PixelSize(side, side), 8, new PixelMargins(11, 3, 0, 5));
                using var opened = Open(file);
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
        using var opened = Open(file);
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
        using var opened = Open(file);
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
        using var opened = Open(png);
        var stored = opened.ToPng(2048, out var size);
        Assert.Equal(opened.Size, size);
        Assert.Equal(Read(png).Rgb, Read(stored).Rgb);
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
        using var opened = Open(orientation == 1 ? Bytes(kind) : ImageFiles.WithOrientation(Bytes(kind), orientation));
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
        using var opened = Open(ImageFiles.Encoded(photograph));
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
        using var opened = Open(ImageFiles.Encoded(ImageFiles.Gradient(2060, 2051), format, quality: 90));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var stored = opened.ToPng(ImageFile.MaxSide, out var size);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (2 * stored.Length) + (4 << 20));
        Assert.Equal(new PixelSize(2060, 2051), size);
        Assert.Equal(opened.Read().Rgb, Read(stored).Rgb);
    }

    [Fact]
    public void ALargeImageKeepsItsColorsAndItsTransparency()
    {
        const int Width = 2060, Height = 2051;
        var rgba = new byte[Width * Height * 4];
        for (var i = 0; i < rgba.Length; i += 4)
            (rgba[i], rgba[i + 1], rgba[i + 2], rgba[i + 3]) = ((byte)(i >> 2), (byte)(i >> 9), 90, (byte)(i >> 6));
        using var opened = Open(ImageFiles.Png(Width, Height, 8, 6, rgba));
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

    private static byte[] Bytes(string kind)
    {
        var image = ImageFiles.Gradient(117, 83);
        return kind switch
        {
            "png" => ImageFiles.Encoded(image),
            "interlaced.png" => Fixture("interlaced.png"),
            "baseline.jpg" => ImageFiles.Encoded(image, SKEncodedImageFormat.Jpeg, quality: 90),
            "lossy.webp" => ImageFiles.Encoded(image, SKEncodedImageFormat.Webp, quality: 80),
            "lossless.webp" => ImageFiles.Encoded(image, SKEncodedImageFormat.Webp, quality: 100),
            "gif" => Gif(),
            "bmp" => Bmp(image),
            _ => Fixture(kind),
        };
    }

    private static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "pictures", name));

    // Codes of nine bits that say each pixel by itself, and begin again before they would grow.
    private static byte[] Gif()
    {
        const int Side = 40;
        var codes = new List<int>();
        for (var i = 0; i < Side * Side; i++)
        {
            if (i % 100 == 0)
                codes.Add(256);
            codes.Add(i % 251);
        }

        codes.Add(257);
        var packed = new byte[((codes.Count * 9) + 7) / 8];
        for (var bit = 0; bit < codes.Count * 9; bit++)
            packed[bit / 8] |= (byte)((codes[bit / 9] >> (bit % 9) & 1) << (bit % 8));
        byte[] table = [.. Enumerable.Range(0, 256 * 3).Select(i => (byte)(i / 3))];
        return
        [
            .. "GIF89a"u8, Side, 0, Side, 0, 0xF7, 0, 0, .. table, 0x21, 0xF9, 4, 0, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, Side, 0, Side, 0, 0, 8,
            .. packed.Chunk(255).SelectMany(block => block.Prepend((byte)block.Length)), 0, 0x3B,
        ];
    }

    private static byte[] Bmp(Image image)
    {
        var stride = ((image.Width * 3) + 3) / 4 * 4;
        var rows = new byte[stride * image.Height];
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width * 3; x++)
                rows[((image.Height - 1 - y) * stride) + x] = image.Rgb[(((y * image.Width) + (x / 3)) * 3) + 2 - (x % 3)];
        }

        return
        [
            .. "BM"u8, .. BitConverter.GetBytes(54 + rows.Length), 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, .. BitConverter.GetBytes(image.Width),
            .. BitConverter.GetBytes(image.Height), 1, 0, 24, 0, 0, 0, 0, 0, .. BitConverter.GetBytes(rows.Length), .. new byte[16], .. rows,
        ];
    }

    private static double Psnr(Image expected, Image actual)
    {
        Assert.Equal(expected.Size, actual.Size);
        var squares = expected.Rgb.Zip(actual.Rgb, (a, b) => (double)(a - b) * (a - b)).Average();
        return squares == 0 ? double.PositiveInfinity : 10 * Math.Log10(255 * 255 / squares);
    }

    private static ImageFile Open(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return ImageFile.Open(stream, "test");
    }

    private static Image Read(byte[] file)
    {
        using var opened = Open(file);
        return opened.Read();
    }

    private static string Refused(byte[] file, string what)
    {
        try
        {
            Read(file);
        }
        catch (InvalidInputException e)
        {
            return e.Message;
        }

        Assert.Fail($"{what} was read");
        return "";
    }
}
