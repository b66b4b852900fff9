using System.Buffers.Binary;
using System.IO.Compression;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Decodes a PNG file row by row, which the library's decoder cannot: it holds the image whole. Of the kinds of PNG files only the usual ones: 8 bits per
/// channel, not interlaced, without a palette and without a color profile. Pictures that the studio stores are such files.
/// </summary>
internal sealed class PngLines : IDisposable
{
    private const int HeaderEnd = 33;
    private const int Rgba = 4;
    private const byte Gray = 0, Colors = 2, GrayAndAlpha = 4, ColorsAndAlpha = 6;

    private readonly ZLibStream packed;
    private readonly int channels;
    private byte[] line, above;

    private PngLines(SKData file, IReadOnlyList<(int Start, int Length)> parts, int width, int channels)
    {
        packed = new ZLibStream(new Parts(file, parts), CompressionMode.Decompress);
        this.channels = channels;
        // The type of the filter, then the pixels.
        (line, above) = (new byte[1 + (width * channels)], new byte[1 + (width * channels)]);
    }

    /// <summary>Opens a file; null if it is of another kind, or damaged: then the library's decoder has to judge it.</summary>
    /// <param name="file">The file; it must outlive the result.</param>
    public static PngLines? Open(SKData file)
    {
        var bytes = file.Span;
        if (!EncodedKinds.IsPng(bytes) || bytes.Length < HeaderEnd || bytes[24] != 8 || bytes[28] != 0 || ChannelsOf(bytes[25]) is not { } channels)
            return null;
        var parts = new List<(int, int)>();
        for (var place = 8; bytes.Length - place >= 12;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[place..]);
            var type = bytes.Slice(place + 4, 4);
            if (type.SequenceEqual("IEND"u8))
                break;
            if (length > bytes.Length - place - 12 || type.SequenceEqual("tRNS"u8) || type.SequenceEqual("iCCP"u8) || type.SequenceEqual("gAMA"u8)
                || type.SequenceEqual("cHRM"u8) || type.SequenceEqual("cICP"u8) || type.SequenceEqual("acTL"u8))
                return null;
            if (type.SequenceEqual("IDAT"u8))
            {
                if (ImageChunks.Checksum(bytes.Slice(place + 4, (int)length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(bytes[(place + 8 + (int)length)..]))
                    return null;
                parts.Add((place + 8, (int)length));
            }

            place += 12 + (int)length;
        }

        return new PngLines(file, parts, BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), channels);
    }

    /// <summary>Decodes the next row.</summary>
    /// <param name="rgba">Receives its pixels.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="EndOfStreamException">The file is too short.</exception>
    public void Read(Span<byte> rgba)
    {
        (line, above) = (above, line);
        packed.ReadExactly(line);
        Unfilter(line.AsSpan(1), above.AsSpan(1));
        for (int pixel = 0, source = 1; pixel < rgba.Length; pixel += Rgba, source += channels)
        {
            var isGray = channels < Image.Channels;
            rgba[pixel] = line[source];
            rgba[pixel + 1] = line[isGray ? source : source + 1];
            rgba[pixel + 2] = line[isGray ? source : source + 2];
            rgba[pixel + 3] = channels % 2 == 0 ? line[source + channels - 1] : byte.MaxValue;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => packed.Dispose();

    private static int? ChannelsOf(byte colors) => colors switch
    {
        Gray => 1,
        GrayAndAlpha => 2,
        Colors => 3,
        ColorsAndAlpha => 4,
        _ => null,
    };

    // Each byte is the difference to a prediction from the pixels before and above.
    private void Unfilter(Span<byte> row, ReadOnlySpan<byte> up)
    {
        switch (line[0])
        {
            case 0:
                break;
            case 1:
                for (var i = channels; i < row.Length; i++)
                    row[i] += row[i - channels];
                break;
            case 2:
                for (var i = 0; i < row.Length; i++)
                    row[i] += up[i];
                break;
            case 3:
                for (var i = 0; i < row.Length; i++)
                    row[i] += (byte)(((i < channels ? 0 : row[i - channels]) + up[i]) / 2);
                break;
            case 4:
                for (var i = 0; i < row.Length; i++)
                    row[i] += i < channels ? up[i] : Nearest(row[i - channels], up[i], up[i - channels]);
                break;
            default:
                throw new InvalidDataException("an unknown filter");
        }
    }

    // Paeth's predictor: whichever of three neighbors is nearest to their plane.
    private static byte Nearest(byte left, byte up, byte corner)
    {
        var (toLeft, toUp, toCorner) = (Math.Abs(up - corner), Math.Abs(left - corner), Math.Abs(left + up - (2 * corner)));
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }

    // The packed pixels, which lie in several chunks.
    private sealed class Parts(SKData file, IReadOnlyList<(int Start, int Length)> parts) : Stream
    {
        private int part, place;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            while (part < parts.Count && place == parts[part].Length)
                (part, place) = (part + 1, 0);
            if (part == parts.Count)
                return 0;
            var count = Math.Min(buffer.Length, parts[part].Length - place);
            file.Span.Slice(parts[part].Start + place, count).CopyTo(buffer);
            place += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
