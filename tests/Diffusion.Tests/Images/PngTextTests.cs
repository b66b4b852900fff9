using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using CsCheck;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Diffusion.Tests.Images;

/// <summary>Text in PNG files: what is written is read, by this and by others, and the pixels do not change.</summary>
public sealed class PngTextTests
{
    private static readonly Image Pixels = new(5, 4, [.. Enumerable.Range(0, 60).Select(i => (byte)(i * 37))]);

    [Fact]
    public void AnyTextIsReadAsItWasWrittenAndThePixelsStay() => Gen.String.Array[0, 4].Sample(texts =>
    {
        var png = Pixels.ToPng(texts.Select((text, i) => new PngText($"key {i}", text)));
        // What no file can hold, a zero or half a character, becomes a replacement.
        var expected = texts.Select((text, i) => new PngText($"key {i}", Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Replace('\0', '\uFFFD')))));
        Assert.Equal(expected, Read(png));
        using var stream = new MemoryStream(png);
        Assert.Equal(Pixels.Rgb, ImageReader.Read(stream, "picture").Rgb);
    });

    [Theory]
    [InlineData("a café\nNegative prompt: rain", "tEXt")]
    [InlineData("a 猫 in the snow", "iTXt")]
    [InlineData("looks like UTF-8: Ã©", "iTXt")]
    public void TextIsLatinWhereItCanBe(string text, string chunk)
    {
        var png = Pixels.ToPng(new PngText("parameters", text));
        Assert.Contains(chunk, Encoding.Latin1.GetString(png), StringComparison.Ordinal);
        Assert.Equal([new PngText("parameters", text)], Read(png));
    }

    [Fact]
    public void EveryKindOfChunkIsReadWhereverItStands()
    {
        byte[] compressed = [.. "Comment\0\0"u8, .. Deflated("née"u8)];
        byte[] international = [.. "Title\0\u0001\0fr\0Titre\0"u8, .. Deflated("雪"u8)];
        var plain = Pixels.ToPng();
        // The last chunk, IEND, has twelve bytes.
        byte[] png = [.. plain[..^12], .. Chunk("zTXt", compressed), .. Chunk("iTXt", international), .. Chunk("tEXt", [.. "Odd\0"u8, 0xE9]), .. plain[^12..]];
        Assert.Equal([new("Comment", "née"), new("Title", "雪"), new("Odd", "é")], Read(png));
    }

    [Fact]
    public void WhatIsDamagedOrNoPngHasTheTextsThatCanBeRead()
    {
        byte[] bomb = [.. "Bomb\0\0"u8, .. Deflated(new byte[PngText.MaxBytes + 1])];
        var plain = Pixels.ToPng(new PngText("first", "text"));
        byte[] png = [.. plain[..^12], .. Chunk("zTXt", bomb), .. Chunk("zTXt", "Torn\0\0nothing"u8), .. Chunk("iTXt", "Short\0"u8), .. Chunk("tEXt", "no end"u8), .. plain[^12..]];
        Assert.Equal([new("first", "text")], Read(png));
        for (var length = 0; length <= png.Length; length += 7)
            Assert.InRange(Read(png[..length]).Count, 0, 1);
        Assert.Empty(Read("GIF89a and so on, for a while"u8.ToArray()));
        Gen.Byte.Array[0, 300].Sample(bytes => Read([.. plain[..33], .. bytes]));
    }

    [Fact]
    public void AFileOfManyTextsCostsNoMoreThanAFew()
    {
        byte[] large = [.. "Large\0\0"u8, .. Deflated(new byte[PngText.MaxBytes])];
        byte[] international = [.. "Large\0\u0001\0\0\0"u8, .. Deflated(new byte[PngText.MaxBytes])];
        var plain = Pixels.ToPng(new PngText("first", "text"));
        foreach (var chunk in new[] { Chunk("zTXt", large), Chunk("iTXt", international), Chunk("tEXt", [.. "Large\0"u8, .. new byte[PngText.MaxBytes / 2]]) })
        {
            var texts = Read(With(plain, chunk, 9));
            Assert.Equal(new PngText("first", "text"), texts[0]);
            Assert.InRange(texts.Sum(text => (long)text.Text.Length), 1, PngText.MaxTotalBytes);
        }

        var small = Chunk("tEXt", "a\0b"u8);
        Assert.Equal(PngText.MaxCount, Read(With(plain, small, 2 * PngText.MaxCount)).Count);
    }

    private static IReadOnlyList<PngText> Read(byte[] png)
    {
        using var stream = new MemoryStream(png);
        return PngText.ReadAll(stream);
    }

    private static byte[] With(ReadOnlySpan<byte> png, byte[] chunk, int count)
    {
        using var stream = new MemoryStream();
        stream.Write(png[..^12]);
        for (var i = 0; i < count; i++)
            stream.Write(chunk);
        stream.Write(png[^12..]);
        return stream.ToArray();
    }

    private static byte[] Deflated(ReadOnlySpan<byte> bytes)
    {
        using var stream = new MemoryStream();
        using (var zlib = new ZLibStream(stream, CompressionMode.Compress))
            zlib.Write(bytes);
        return stream.ToArray();
    }

    // Nobody looks at checksums of text.
    private static byte[] Chunk(string type, ReadOnlySpan<byte> content)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
        return [.. length, .. Encoding.ASCII.GetBytes(type), .. content, 0, 0, 0, 0];
    }
}
