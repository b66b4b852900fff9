using System.Buffers.Binary;
using System.Text;
using CsCheck;
using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Images;

/// <summary>What other programs write into JPEG and WebP files.</summary>
public sealed class ExifTextTests
{
    private const string Settings = "a 猫\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1";

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void SettingsInTheUserCommentAreRead(bool isBig, bool isBigText)
    {
        byte[] comment = [.. "UNICODE\0"u8, .. (isBigText ? Encoding.BigEndianUnicode : Encoding.Unicode).GetBytes(Settings)];
        var exif = Exif(isBig, comment);
        Assert.Equal([new("parameters", Settings)], Read(Jpeg(exif)));
        Assert.Equal([new("parameters", Settings)], Read(Webp(exif)));
        Assert.Equal([new("parameters", Settings)], Read(Jpeg(Exif(isBig, [.. "ASCII\0\0\0"u8, .. Encoding.UTF8.GetBytes(Settings), 0]))));
    }

    [Fact]
    public void ACameraSaysWhatItIsAndComfyUIItsGraph()
    {
        Assert.Equal([new("UserComment", "on holiday")], Read(Jpeg(Exif(true, "\0\0\0\0\0\0\0\0on holiday"u8))));
        Assert.Equal([new("prompt", "{\"1\": {}}"), new("UserComment", "hello")], Read(Webp(Exif(false, "ASCII\0\0\0hello"u8, "Prompt:{\"1\": {}}"))));
        Assert.Empty(Read(Jpeg([])));
        Assert.Empty(Read(Webp([])));
    }

    [Fact]
    public void DamagedBlocksHaveNoTexts()
    {
        var exif = Exif(true, "ASCII\0\0\0hello"u8);
        for (var i = 0; i < exif.Length; i++)
        {
            Read(Jpeg(exif[..i]));
            Read(Webp(exif[..i]));
            var changed = exif.ToArray();
            changed[i] = 0xFF;
            Read(Webp(changed));
        }

        Gen.Byte.Array[0, 100].Sample(bytes => Read([0xFF, 0xD8, .. bytes]).Count + Read([.. "RIFF....WEBP"u8, .. bytes]).Count + Read(Webp([.. "MM\0*"u8, .. bytes])).Count >= 0);
    }

    [Theory]
    [InlineData(PngText.MaxBytes)]
    [InlineData(5)]
    public void EntriesThatShareOneTextCostNoMoreThanAFew(int length)
    {
        const int Count = ushort.MaxValue, Start = 8;
        var exif = new byte[Start + 2 + (Count * 12) + length];
        "II*\0"u8.CopyTo(exif);
        BinaryPrimitives.WriteInt32LittleEndian(exif.AsSpan(4), Start);
        BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(Start), Count);
        for (var i = 0; i < Count; i++)
        {
            var entry = exif.AsSpan(Start + 2 + (i * 12));
            // Every second one says that this directory is a further one, too.
            BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)(i % 2 == 0 ? 0x8769 : 0x0110));
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], length);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], i % 2 == 0 ? Start : exif.Length - length);
        }

        exif.AsSpan(exif.Length - length).Fill((byte)'x');
        var texts = Read(Webp(exif));
        Assert.InRange(texts.Count, 1, PngText.MaxCount);
        Assert.InRange(texts.Sum(text => (long)text.Text.Length), 1, PngText.MaxTotalBytes);
    }

    private static IReadOnlyList<PngText> Read(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return ExifText.ReadAll(stream);
    }

    // A directory with the model of the camera and the place of another one, which has the comment.
    private static byte[] Exif(bool isBig, ReadOnlySpan<byte> comment, string model = "")
    {
        var name = Encoding.ASCII.GetBytes(model.PadRight(5, '\0'));
        var stream = new MemoryStream();
        stream.Write(isBig ? "MM\0*"u8 : "II*\0"u8);
        Number(4, 8);
        Number(2, 2);
        Entry(0x0110, 2, name.Length, 56);
        Entry(0x8769, 4, 1, 38);
        Number(4, 0);
        Number(2, 1);
        Entry(0x9286, 7, comment.Length, 56 + name.Length);
        Number(4, 0);
        stream.Write(name);
        stream.Write(comment);
        return stream.ToArray();

        void Entry(int tag, int type, int count, int value)
        {
            Number(2, tag);
            Number(2, type);
            Number(4, count);
            Number(4, value);
        }

        void Number(int size, int value)
        {
            var bytes = new byte[4];
            if (isBig)
                BinaryPrimitives.WriteInt32BigEndian(bytes, size == 2 ? value << 16 : value);
            else
                BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            stream.Write(bytes, 0, size);
        }
    }

    private static byte[] Jpeg(byte[] exif)
    {
        var file = Encoded(SKEncodedImageFormat.Jpeg);
        if (exif.Length == 0)
            return file;
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)(exif.Length + 8));
        return [.. file[..2], 0xFF, 0xE1, .. length, .. "Exif\0\0"u8, .. exif, .. file[2..]];
    }

    private static byte[] Webp(byte[] exif)
    {
        var file = Encoded(SKEncodedImageFormat.Webp);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, exif.Length);
        return exif.Length == 0 ? file : [.. file, .. "EXIF"u8, .. length, .. exif];
    }

    private static byte[] Encoded(SKEncodedImageFormat format)
    {
        using var bitmap = new Image(8, 8, new byte[192]).ToBitmap();
        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }
}
