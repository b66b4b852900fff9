using System.Buffers.Binary;
using System.Numerics;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Checks that a JPEG file contains its complete image (ITU-T T.81). Decoders fill missing data: a truncated progressive image is decoded
/// smeared, while a baseline image that lacks only its end marker is rejected. Therefore the codes of all scans are counted
/// here; no coefficient is computed.
/// </summary>
internal sealed class JpegScans
{
    private const int MaxComponents = 4;
    private const int Coefficients = 64;

    // Encoders write about ten. Each scan can cover the whole image in a few bytes, so a small file could take minutes.
    private const int MaxScans = 100;
    // All blocks of the largest accepted image in as many scans as encoders write.
    private const long MaxBlocks = 1 << 26;
    private const int MaxTables = MaxScans * 2 * MaxComponents;

    private readonly JpegCodeTable?[] dcTables = new JpegCodeTable?[MaxComponents];
    private readonly JpegCodeTable?[] acTables = new JpegCodeTable?[MaxComponents];
    private readonly List<Component> components = [];
    private int width;
    private int height;
    private int restartInterval;
    private int tablesRead;
    private long blocksRead;
    private bool isProgressive;

    private JpegScans()
    {
    }

    /// <summary>The result of the check.</summary>
    public enum Found
    {
        /// <summary>The image is complete, or the format variant is left to the decoder.</summary>
        Whole,

        /// <summary>Only the end marker is missing.</summary>
        WithoutEnd,

        /// <summary>A part of the image is missing.</summary>
        CutOff,

        /// <summary>The file contains invalid codes.</summary>
        Damaged,

        /// <summary>The file has more scans or tables than any encoder writes.</summary>
        Endless,
    }

    /// <summary>Checks a file.</summary>
    public static Found Check(ReadOnlySpan<byte> jpeg) => new JpegScans().Walk(jpeg);

    private Found Walk(ReadOnlySpan<byte> jpeg)
    {
        var (at, scans) = (2, 0);
        while (true)
        {
            // Any bytes may follow a scan before the next marker; decoders skip them.
            while (at + 1 < jpeg.Length && !(jpeg[at] == 0xFF && jpeg[at + 1] is not (0 or 0xFF or (>= 0xD0 and <= 0xD7))))
                at++;
            if (at + 1 >= jpeg.Length)
                return IsCovered() ? Found.WithoutEnd : Found.CutOff;
            var marker = jpeg[at + 1];
            at += 2;
            if (marker == 0xD9)
                return components.Count > 0 ? Found.Whole : Found.CutOff;
            if (marker is 0x01 or 0xD8)
                continue;
            if (at + 2 > jpeg.Length)
                return Found.CutOff;
            var length = BinaryPrimitives.ReadUInt16BigEndian(jpeg[at..]);
            if (length < 2)
                return Found.Damaged;
            if (at + length > jpeg.Length)
                return Found.CutOff;
            var segment = jpeg[(at + 2)..(at + length)];
            at += length;
            switch (marker)
            {
                case 0xC4 when tablesRead > MaxTables:
                    return Found.Endless;
                case 0xC4 when !ReadTables(segment):
                case 0xDD when segment.Length < 2:
                    return Found.Damaged;
                case 0xDD:
                    restartInterval = BinaryPrimitives.ReadUInt16BigEndian(segment);
                    break;
                case 0xC0 or 0xC1 or 0xC2 when !ReadFrame(segment, marker == 0xC2):
                // Arithmetic coding and multi-frame variants.
                case 0xC3 or (>= 0xC5 and <= 0xC7) or (>= 0xC9 and <= 0xCB) or (>= 0xCD and <= 0xCF):
                    return Found.Whole;
                case 0xDA:
                    if (++scans > MaxScans)
                        return Found.Endless;
                    if (ReadScan(segment) is not { } scan)
                        return Found.Damaged;
                    var bits = new JpegBits(jpeg, at);
                    var problem = scan.Walk(ref bits);
                    if (problem is { } found)
                        return found;
                    at = bits.End;
                    break;
            }
        }
    }

    private bool ReadFrame(ReadOnlySpan<byte> frame, bool progressive)
    {
        if (frame.Length < 6 || frame[0] != 8 || frame[5] > MaxComponents || frame.Length < 6 + (3 * frame[5]))
            return false;
        isProgressive = progressive;
        (height, width) = (BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), BinaryPrimitives.ReadUInt16BigEndian(frame[3..]));
        // The reader limits image sizes before decoding; this limits the memory of the check.
        if (height == 0 || width == 0 || (long)width * height > ImageFile.MaxPixels)
            return false;
        components.Clear();
        for (var i = 0; i < frame[5]; i++)
            components.Add(new Component(frame[6 + (3 * i)], frame[7 + (3 * i)] >> 4, frame[7 + (3 * i)] & 15));
        if (components.Count == 0 || components.Exists(component => component.Across is 0 or > 4 || component.Down is 0 or > 4))
            return false;
        var (across, down) = (components.Max(component => component.Across), components.Max(component => component.Down));
        foreach (var component in components)
        {
            component.BlocksAcross = Divided(Divided(width * component.Across, across), 8);
            component.BlocksDown = Divided(Divided(height * component.Down, down), 8);
            component.StoredAcross = Divided(width, 8 * across) * component.Across;
            component.StoredDown = Divided(height, 8 * down) * component.Down;
        }

        return true;
    }

    private bool ReadTables(ReadOnlySpan<byte> tables)
    {
        while (tables.Length >= 17)
        {
            var count = 0;
            foreach (var ofLength in tables[1..17])
                count += ofLength;
            if (tables.Length < 17 + count || (tables[0] & 15) >= MaxComponents)
                return false;
            (tables[0] >> 4 == 0 ? dcTables : acTables)[tables[0] & 15] = new JpegCodeTable(tables[1..17], tables.Slice(17, count));
            tablesRead++;
            tables = tables[(17 + count)..];
        }

        return tables.Length == 0;
    }

    private Scan? ReadScan(ReadOnlySpan<byte> header)
    {
        if (header.Length < 1 || header[0] is 0 or > MaxComponents || header.Length < 4 + (2 * header[0]))
            return null;
        var parts = new List<(Component Component, JpegCodeTable? Dc, JpegCodeTable? Ac)>();
        for (var i = 0; i < header[0]; i++)
        {
            var (id, tables) = (header[1 + (2 * i)], header[2 + (2 * i)]);
            if (components.Find(component => component.Id == id) is not { } found || (tables >> 4) >= MaxComponents || (tables & 15) >= MaxComponents)
                return null;
            parts.Add((found, dcTables[tables >> 4], acTables[tables & 15]));
        }

        var last = header[(1 + (2 * header[0]))..];
        var (from, to, isFirst, shift) = isProgressive ? (last[0], last[1], last[2] >> 4 == 0, last[2] & 15) : (0, Coefficients - 1, true, 0);
        if (from > to || to >= Coefficients || (isProgressive && from == 0 && to != 0) || (from > 0 && parts.Count > 1))
            return null;
        foreach (var (component, dc, ac) in parts)
        {
            if ((from == 0 && isFirst && dc is null) || (to > 0 && ac is null))
                return null;
            for (var k = from; k <= to; k++)
                component.Shifts[k] = shift;
            if (from > 0)
                component.NonZero ??= new ulong[component.StoredAcross * component.StoredDown];
        }

        return new Scan(this, parts, from, to, isFirst);
    }

    // Whether all bits of each coefficient of each component are present.
    private bool IsCovered() => components.Count > 0 && components.TrueForAll(component => component.Shifts.All(shift => shift == 0));

    private static int Divided(int length, int by) => (length + by - 1) / by;

    private sealed class Component(int id, int across, int down)
    {
        public int Id => id;

        /// <summary>Number of blocks of this component in each group of blocks.</summary>
        public int Across => across;

        public int Down => down;

        /// <summary>Number of blocks that contain a part of the image; scans of a single component have only these.</summary>
        public int BlocksAcross { get; set; }

        public int BlocksDown { get; set; }

        /// <summary>Number of blocks including the padding of the last groups.</summary>
        public int StoredAcross { get; set; }

        public int StoredDown { get; set; }

        /// <summary>Number of missing low bits of each coefficient; -1 if no bits are present.</summary>
        public int[] Shifts { get; } = [.. Enumerable.Repeat(-1, Coefficients)];

        /// <summary>For each block, the nonzero coefficients so far; they determine the number of bits in later scans.</summary>
        public ulong[]? NonZero { get; set; }
    }

    private sealed class Scan(JpegScans image, List<(Component Component, JpegCodeTable? Dc, JpegCodeTable? Ac)> parts, int from, int to, bool isFirst)
    {
        // That can be skipped at once.
        private const int MostBits = 16;

        private int endOfBands;

        public Found? Walk(ref JpegBits bits)
        {
            var single = parts.Count == 1 ? parts[0].Component : null;
            var across = single?.BlocksAcross ?? parts[0].Component.StoredAcross / parts[0].Component.Across;
            var groups = across * (single?.BlocksDown ?? parts[0].Component.StoredDown / parts[0].Component.Down);
            image.blocksRead += (long)groups * (single is null ? parts.Sum(part => part.Component.Across * part.Component.Down) : 1);
            if (image.blocksRead > MaxBlocks)
                return Found.Endless;
            for (var group = 0; group < groups; group++)
            {
                if (image.restartInterval > 0 && group > 0 && group % image.restartInterval == 0)
                {
                    if (!bits.Restart())
                        return bits.Problem;
                    endOfBands = 0;
                }

                var (column, row) = (group % across, group / across);
                foreach (var (component, dc, ac) in parts)
                {
                    var (wide, high) = single is null ? (component.Across, component.Down) : (1, 1);
                    for (var y = 0; y < high; y++)
                    {
                        for (var x = 0; x < wide; x++)
                        {
                            Block(ref bits, component, dc, ac, (((row * high) + y) * component.StoredAcross) + (column * wide) + x);
                            if (bits.Problem is { } found)
                                return found;
                        }
                    }
                }
            }

            return null;
        }

        private void Block(ref JpegBits bits, Component component, JpegCodeTable? dc, JpegCodeTable? ac, int block)
        {
            if (!image.isProgressive)
                Sequential(ref bits, dc!, ac!);
            else if (from == 0 && isFirst)
                bits.Skip(dc!.Read(ref bits));
            else if (from == 0)
                bits.Skip(1);
            else if (isFirst)
                FirstBand(ref bits, ac!, ref component.NonZero![block]);
            else
                LaterBand(ref bits, ac!, ref component.NonZero![block]);
        }

        private static void Sequential(ref JpegBits bits, JpegCodeTable dc, JpegCodeTable ac)
        {
            bits.Skip(dc.Read(ref bits));
            for (var k = 1; k < Coefficients; k++)
            {
                var (run, size) = Pair(ref bits, ac);
                if (size == 0 && run < 15)
                    return;
                k += run;
                bits.Skip(size);
            }
        }

        private void FirstBand(ref JpegBits bits, JpegCodeTable ac, ref ulong nonZero)
        {
            for (var k = from; k <= to && !EndsHere(); k++)
            {
                var (run, size) = Pair(ref bits, ac);
                if (size == 0 && run < 15)
                {
                    endOfBands = (1 << run) + bits.Take(run);
                    k--;
                    continue;
                }

                k += run;
                bits.Skip(size);
                if (size > 0 && k < Coefficients)
                    nonZero |= 1UL << k;
            }
        }

        private void LaterBand(ref JpegBits bits, JpegCodeTable ac, ref ulong nonZero)
        {
            var k = from;
            while (k <= to && endOfBands == 0)
            {
                var (run, size) = Pair(ref bits, ac);
                if (size == 0 && run < 15)
                {
                    endOfBands = (1 << run) + bits.Take(run);
                    break;
                }

                bits.Skip(size);
                // Skips that many zeros; each nonzero coefficient in between has one bit here.
                for (; k <= to; k++)
                {
                    if ((nonZero >> k & 1) != 0)
                        bits.Skip(1);
                    else if (run-- == 0)
                        break;
                }

                if (size > 0 && k <= to)
                    nonZero |= 1UL << k;
                k++;
            }

            if (endOfBands == 0)
                return;
            var left = k <= to ? BitOperations.PopCount(nonZero >> k << k << (Coefficients - 1 - to)) : 0;
            for (; left > 0; left -= MostBits)
                bits.Skip(Math.Min(left, MostBits));
            endOfBands--;
        }

        private bool EndsHere()
        {
            if (endOfBands == 0)
                return false;
            endOfBands--;
            return true;
        }

        private static (int Run, int Size) Pair(ref JpegBits bits, JpegCodeTable ac)
        {
            var code = ac.Read(ref bits);
            return (code >> 4, code & 15);
        }
    }
}
