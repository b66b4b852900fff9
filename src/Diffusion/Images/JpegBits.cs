namespace PromptToPrompt.Diffusion.Images;

/// <summary>Reads the bits of a scan, up to the next marker.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> file, int start)
{
    private readonly ReadOnlySpan<byte> file = file;
    private int next = start;
    private ulong held;
    private int count;

    /// <summary>The first problem found; null for none.</summary>
    public JpegScans.Found? Problem { get; private set; }

    /// <summary>Position after the bytes read so far.</summary>
    public readonly int End => next;

    /// <summary>The next 16 bits, padded with zeros at the end.</summary>
    public int Peek()
    {
        if (count < 16)
            Fill();
        return count >= 16 ? (int)(held >> (count - 16)) & 0xFFFF : (int)(held << (16 - count)) & 0xFFFF;
    }

    /// <summary>Skips up to 16 bits.</summary>
    public void Skip(int length)
    {
        if (count < length)
            Fill();
        count -= length;
        if (count >= 0)
            return;
        count = 0;
        Problem ??= JpegScans.Found.CutOff;
    }

    public int Take(int length)
    {
        if (length == 0)
            return 0;
        var taken = Peek() >> (16 - length);
        Skip(length);
        return taken;
    }

    public void Fail() => Problem ??= count < 16 ? JpegScans.Found.CutOff : JpegScans.Found.Damaged;

    /// <summary>Continues after a restart marker; false if there is none.</summary>
    public bool Restart()
    {
        count = 0;
        while (next + 1 < file.Length && !(file[next] == 0xFF && file[next + 1] is not (0 or 0xFF)))
            next++;
        if (next + 1 < file.Length && file[next + 1] is >= 0xD0 and <= 0xD7)
        {
            next += 2;
            return true;
        }

        Problem ??= next + 1 >= file.Length ? JpegScans.Found.CutOff : JpegScans.Found.Damaged;
        return false;
    }

    private void Fill()
    {
        while (count <= 48 && next < file.Length)
        {
            var value = file[next];
            if (value == 0xFF)
            {
                // A marker or the end of the file ends the scan; half of an escaped pair is ignored.
                if (next + 1 >= file.Length || file[next + 1] != 0)
                    return;
                next++;
            }

            next++;
            held = (held << 8) | value;
            count += 8;
        }
    }
}

/// <summary>A Huffman table, indexed by the next 16 bits.</summary>
internal sealed class JpegCodeTable
{
    private const int Longest = 16;

    // The length of the code and its symbol.
    private readonly ushort[] codes = new ushort[1 << Longest];

    public JpegCodeTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> values)
    {
        var (next, value) = (0, 0);
        for (var length = 1; length <= Longest; length++)
        {
            for (var i = 0; i < counts[length - 1] && next < codes.Length; i++, value++)
            {
                var span = 1 << (Longest - length);
                codes.AsSpan(next, Math.Min(span, codes.Length - next)).Fill((ushort)((length << 8) | values[value]));
                next += span;
            }
        }
    }

    public int Read(ref JpegBits bits)
    {
        var code = codes[bits.Peek()];
        bits.Skip(code >> 8);
        if (code == 0)
            bits.Fail();
        return code & 0xFF;
    }
}
