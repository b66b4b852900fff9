using System.Text;
using CsCheck;
using PromptToPrompt.Diffusion.Images;

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
            using var file = ImageFiles.Open(png);
            _ = file.ToPng(ImageFile.MaxSide, out _);
        });
        Assert.True(problem is InvalidInputException, $"{damage}: {problem}");
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void WhatIsCutOffAnywhereIsRefused(string kind, int end)
    {
        var file = ImageFiles.Of(kind);
        var whole = ImageFiles.Read(file);
        for (var length = 1; length < file.Length - end; length += length < 40 || length > file.Length - 40 ? 1 : 1 + (file.Length / 40))
        {
            var message = Refused(file[..length], $"{kind} cut to {length} of {file.Length}");
            Assert.True(length < 200 || message.Contains("truncated"), $"{kind} cut to {length}: {message}");
        }

        for (var length = file.Length - end; length < file.Length; length++)
            Assert.Equal(whole.Rgb, ImageFiles.Read(file[..length]).Rgb);
    }

    [Theory]
    [InlineData("progressive.jpg")]
    [InlineData("restarts.jpg")]
    public void WhatIsCutOffAndClosedIsRefused(string kind)
    {
        var file = ImageFiles.Of(kind);
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
        var file = ImageFiles.Of(kind);
        var start = file.AsSpan().IndexOf([(byte)0xFF, marker]);
        var end = start + 2;
        while (file[end] != 0xFF || file[end + 1] is 0 or (>= 0xD0 and <= 0xD7))
            end++;
        byte[] With(int copies) => [.. file[..end], .. Enumerable.Repeat(file[start..end], copies).SelectMany(copy => copy), .. file[end..]];
        Assert.Equal(ImageFiles.Read(file).Rgb, ImageFiles.Read(With(20)).Rgb);
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
        Assert.Equal(ImageFiles.Read(png).Rgb, ImageFiles.Read(many).Rgb);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 << 20);
    }

    [Theory]
    [InlineData("lossy.webp")]
    [InlineData("lossless.webp")]
    public void WebpFilesThatClaimToBeShorterThanTheirHeaderAreRefused(string kind)
    {
        for (var claimed = 0; claimed < 4; claimed++)
        {
            var file = ImageFiles.Of(kind);
            BitConverter.TryWriteBytes(file.AsSpan(4), claimed);
            Assert.Contains("truncated", Refused(file, $"{claimed} bytes"));
        }
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void FilesWithOtherBytesInTheirHeadersAreOpenedOrRefused(string kind, int end)
    {
        Assert.InRange(end, 0, 12);
        var file = ImageFiles.Of(kind);
        Gen.Select(Gen.Int[0, Math.Min(file.Length, 300) - 1], Gen.OneOf(Gen.Byte, Gen.Byte[0, 4], Gen.Byte[0xFE, 0xFF])).Array[1, 6].Sample(
            changes =>
            {
                var changed = file.ToArray();
                foreach (var (at, value) in changes)
                    changed[at] = value;
                try
                {
                    ImageFiles.Open(changed).Dispose();
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
        var file = ImageFiles.Of(kind);
        Assert.Equal(ImageFiles.Read(file).Rgb, ImageFiles.Read([.. file, .. file, 1, 2, 3]).Rgb);
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

    private static string Refused(byte[] file, string what)
    {
        try
        {
            ImageFiles.Read(file);
        }
        catch (InvalidInputException e)
        {
            return e.Message;
        }

        Assert.Fail($"{what} was read");
        return "";
    }
}
