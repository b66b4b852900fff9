using System.Buffers.Binary;
using System.IO.Compression;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Encodes a PNG file row by row, so that a photograph is never whole in memory: each row as differences of neighbors, compressed fast, like
/// <see cref="Image.EncodePng"/> does with large images.
/// </summary>
internal sealed class PngRows : IDisposable
{
    private const int Colors = 2, ColorsAndAlpha = 6;
    private const byte Sub = 1;
    private const int Rgba = 4;

    // The fastest level gives files half as large again.
    private const int Level = 2;

    private readonly PngChunks chunks = new();
    private readonly ZLibStream packed;
    private readonly byte[] line;
    private readonly int channels;

    /// <summary>Begins a file.</summary>
    /// <param name="size">Size of the image.</param>
    /// <param name="hasAlpha">Whether it is written with its alpha.</param>
    public PngRows(PixelSize size, bool hasAlpha)
    {
        channels = hasAlpha ? Rgba : Image.Channels;
        line = new byte[1 + (size.Width * channels)];
        line[0] = Sub;
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, size.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], size.Height);
        (header[8], header[9]) = (8, (byte)(hasAlpha ? ColorsAndAlpha : Colors));
        chunks.Add("IHDR"u8, header);
        packed = new ZLibStream(chunks, new ZLibCompressionOptions { CompressionLevel = Level }, leaveOpen: true);
    }

    /// <summary>Adds the next row.</summary>
    /// <param name="row">Its pixels as RGBA.</param>
    public void Add(ReadOnlySpan<byte> row)
    {
        var target = 1;
        for (var pixel = 0; pixel < row.Length; pixel += Rgba)
        {
            for (var channel = 0; channel < channels; channel++)
                line[target++] = (byte)(row[pixel + channel] - (pixel == 0 ? 0 : row[pixel - Rgba + channel]));
        }

        packed.Write(line);
    }

    /// <summary>Ends the file and gives its bytes.</summary>
    public byte[] Finish()
    {
        packed.Dispose();
        chunks.Flush();
        chunks.Add("IEND"u8, []);
        return chunks.ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        packed.Dispose();
        chunks.Dispose();
    }

    // Turns what is written into chunks of a bounded size. They are joined once, at the end: an array that grows would be copied again and again.
    private sealed class PngChunks : Stream
    {
        private const int Largest = 1 << 20;

        private readonly List<byte[]> parts = [[0x89, .. "PNG\r\n"u8, 0x1A, 0x0A]];
        private readonly byte[] waiting = new byte[Largest];
        private int count;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Add(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
        {
            var chunk = new byte[4 + type.Length + content.Length + 4];
            BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
            type.CopyTo(chunk.AsSpan(4));
            content.CopyTo(chunk.AsSpan(4 + type.Length));
            BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), ImageChunks.Checksum(chunk.AsSpan(4, type.Length + content.Length)));
            parts.Add(chunk);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                var taken = Math.Min(buffer.Length, waiting.Length - count);
                buffer[..taken].CopyTo(waiting.AsSpan(count));
                buffer = buffer[taken..];
                count += taken;
                if (count == waiting.Length)
                    Flush();
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
            if (count > 0)
                Add("IDAT"u8, waiting.AsSpan(0, count));
            count = 0;
        }

        public byte[] ToArray()
        {
            var whole = new byte[parts.Sum(part => part.Length)];
            var place = 0;
            foreach (var part in parts)
            {
                part.CopyTo(whole, place);
                place += part.Length;
            }

            return whole;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
