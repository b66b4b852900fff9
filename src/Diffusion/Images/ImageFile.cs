using SkiaSharp;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// An encoded image (PNG, JPEG, WebP, GIF or BMP) whose header has been read but whose pixels are not yet decoded. It can be decoded at
/// full size or, with far less memory and time, at the required size. The result matches an image viewer: rotated as EXIF specifies, colors
/// converted to sRGB, gray and CMYK to RGB, 16 bits to 8, transparency over white, and only the first frame of an animation.
/// </summary>
internal sealed partial class ImageFile : IDisposable
{
    /// <summary>Maximum side in pixels.</summary>
    public const int MaxSide = 1 << 15;

    /// <summary>Maximum number of pixels; the size in the header is checked before decoding.</summary>
    public const long MaxPixels = 1L << 27;

    /// <summary>Maximum file length in bytes.</summary>
    public const int MaxBytes = 1 << 28;

    // Size of the stripes of decoders that can decode in parts.
    private const int StripeBytes = 1 << 20;

    // Decoders average pixels more coarsely than the resampler, so they keep at least this many pixels for each required one.
    private const double Spare = 2;
    private const int MaxReduction = 8;
    private const byte Opaque = byte.MaxValue;

    // Offsets of the bit depth and the color type in a PNG file.
    private const int PngDepth = 24;
    private const int PngColors = 25;

    private readonly string name;
    private readonly SKData data;
    private readonly SKCodec codec;
    private readonly int orientation;
    private readonly bool isJpeg;

    private ImageFile(MemoryStream bytes, string name)
    {
        this.name = name;
        var file = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        isJpeg = EncodedKinds.IsJpeg(file);
        HasSixteenBits = EncodedKinds.IsPng(file) && file.Length > PngColors && file[PngDepth] == 16;
        var turned = 1;
        RequireWhole(bytes, ref turned);
        data = SKData.CreateCopy(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
        var opened = SKCodec.Create(data);
        if (opened is null)
        {
            data.Dispose();
            throw EncodedKinds.Refusal(file, name);
        }

        codec = opened;
        orientation = turned == 1 ? (int)codec.EncodedOrigin : turned;
        var stored = Stored;
        if (Math.Max(stored.Width, stored.Height) > MaxSide || (long)stored.Width * stored.Height > MaxPixels)
        {
            Dispose();
            throw new InvalidInputException(
                $"{name} has {stored} pixels; the maximum is {MaxSide} pixels a side and {MaxPixels >> 20} Mi pixels in total. Make it smaller.");
        }
    }

    /// <summary>Size of the image after applying the orientation.</summary>
    public PixelSize Size => Turn.Of(orientation, Stored).Seen;

    /// <summary>Whether the image can have transparent pixels.</summary>
    public bool HasTransparency => codec.Info.AlphaType != SKAlphaType.Opaque;

    /// <summary>Whether the image has more than 8 bits per channel, which are reduced to 8.</summary>
    public bool HasSixteenBits { get; }

    private PixelSize Stored => new(codec.Info.Width, codec.Info.Height);

    /// <summary>Opens an image file.</summary>
    /// <exception cref="InvalidInputException">The file is missing, not an image, truncated, or too large.</exception>
    public static ImageFile Open(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidInputException($"{path} is a directory. Use the path of an image in it.");
        if (!File.Exists(path))
            throw new InvalidInputException($"The file {path} does not exist. Check the path.");
        try
        {
            using var file = File.OpenRead(path);
            return Open(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({e.Message}). Check its permissions.", e);
        }
    }

    /// <summary>Opens an encoded image in a stream.</summary>
    /// <param name="stream">The encoded image, from the current position to the end.</param>
    /// <param name="name">The image's name in errors.</param>
    /// <exception cref="InvalidInputException">The stream is not an image, truncated, or too large.</exception>
    public static ImageFile Open(Stream stream, string name)
    {
        // The length is only a hint: pipes and devices have none, or a wrong one.
        using var bytes = new MemoryStream(stream.CanSeek ? (int)Math.Clamp(stream.Length - stream.Position, 0, MaxBytes) : 0);
        var chunk = new byte[1 << 16];
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            bytes.Write(chunk, 0, read);
            if (bytes.Length > MaxBytes)
                throw new InvalidInputException($"{name} is longer than {MaxBytes >> 20} MiB. Use a smaller image.");
        }

        return bytes.Length > 0 ? new ImageFile(bytes, name) : throw new InvalidInputException($"{name} is empty. Use an image file.");
    }

    /// <summary>Decodes the image at full size.</summary>
    /// <exception cref="InvalidInputException">The image is damaged.</exception>
    public Image Read() => Read(Stored);

    /// <summary>Decodes the region that a framing uses, at about the size that the framing needs.</summary>
    /// <param name="framing">A framing of images of this <see cref="Size"/>.</param>
    /// <returns>The framed image.</returns>
    /// <exception cref="InvalidInputException">The image is damaged.</exception>
    public Image Read(Framing framing) => Read(framing, averages: false);

    /// <summary>
    /// Frames the image exactly as if it were decoded at full size, but holds no more of it than its rows at the framed width.
    /// </summary>
    /// <param name="framing">A framing of images of this <see cref="Size"/>.</param>
    /// <exception cref="InvalidInputException">The image is damaged.</exception>
    public Image Frame(Framing framing)
    {
        // Turned rows are columns.
        if (orientation != 1)
            return framing.Apply(Read());
        using var srgb = SKColorSpace.CreateSrgb();
        return framing.Bring((part, width, height) =>
        {
            var rows = new ResampledRows(part, Stored, width, height);
            var rgb = new byte[Stored.Width * Image.Channels];
            Decode(Rgba(SKColorType.Rgba8888, Stored, srgb), (row, y) =>
            {
                if (!rows.Needs(y))
                    return;
                CopyOverWhite(row, rgb, 0, Image.Channels);
                rows.Add(rgb, y);
            });
            return rows.Finish();
        });
    }

    // Decoders of other formats than JPEG and WebP decode at full size only. If asked to, average their pixels row by row: only the reduced image is held.
    private Image Read(Framing framing, bool averages)
    {
        var (perColumn, perRow) = ((double)framing.Region.Width / framing.Place.Width, (double)framing.Region.Height / framing.Place.Height);
        var reduction = Reduction(perColumn, perRow);
        var isAveraged = reduction == 1 && averages && Math.Min(perColumn, perRow) >= 2 * Spare;
        if (isAveraged)
            reduction = (int)(Math.Min(perColumn, perRow) / Spare);
        if (reduction == 1)
            return framing.Apply(Read());
        var stored = isAveraged ? new(1 + ((Stored.Width - 1) / reduction), 1 + ((Stored.Height - 1) / reduction)) : Reduced(reduction);
        // A reduced JPEG has extra pixels beyond the edge if a side is not a multiple of the reduction, like averages; other formats round the sides.
        var (across, down) = isJpeg || isAveraged ? (reduction, reduction) : ((double)Stored.Width / stored.Width, (double)Stored.Height / stored.Height);
        var turn = Turn.Of(orientation, stored);
        if (turn.Swaps)
            (across, down) = (down, across);
        // The extra pixels come first if the orientation flips the image.
        var (left, top) = (turn.FromRight ? (turn.Seen.Width * across) - Size.Width : 0, turn.FromBottom ? (turn.Seen.Height * down) - Size.Height : 0);
        var (x, y, width, height) = framing.Region;
        return framing.Bring(isAveraged ? Averaged(reduction, stored) : Read(stored), new PixelBox((x + left) / across, (y + top) / down, width / across, height / down));
    }

    /// <summary>Decodes the image with a limit on its longest side.</summary>
    /// <param name="longestSide">Maximum side in pixels.</param>
    /// <exception cref="InvalidInputException">The image is damaged.</exception>
    public Image ReadWithin(int longestSide)
    {
        var target = Within(longestSide);
        return Read(new Framing(Size, PixelRectangle.Whole(Size), PixelRectangle.Whole(target), target), averages: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        codec.Dispose();
        data.Dispose();
    }

    private PixelSize Within(int longestSide)
    {
        var scale = (double)longestSide / Math.Max(Size.Width, Size.Height);
        return scale >= 1 ? Size : new PixelSize(Math.Max(1, (int)(Size.Width * scale)), Math.Max(1, (int)(Size.Height * scale)));
    }

    // Decoders cannot be relied on here: they invent missing data, or reject files that lack only their last bytes.
    private void RequireWhole(MemoryStream bytes, ref int turned)
    {
        var file = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        if (isJpeg)
        {
            switch (JpegScans.Check(file))
            {
                case JpegScans.Found.CutOff:
                    throw CutOff();
                case JpegScans.Found.Damaged:
                    throw Damaged("invalid codes");
                case JpegScans.Found.Endless:
                    throw Damaged("too many scans");
                case JpegScans.Found.WithoutEnd:
                    bytes.Seek(0, SeekOrigin.End);
                    bytes.Write([0xFF, 0xD9]);
                    break;
            }
        }
        else if ((EncodedKinds.IsPng(file) && !ImageChunks.IsWholePng(file, ref turned))
            || (EncodedKinds.IsWebp(file) && !ImageChunks.IsWholeWebp(file, ref turned))
            || (EncodedKinds.IsGif(file) && !ImageChunks.IsWholeGif(file)))
        {
            throw CutOff();
        }
    }

    private InvalidInputException CutOff() => new($"{name} is truncated. Copy or download it again.");

    private InvalidInputException Damaged(string problem) => new($"{name} is damaged or not supported ({problem}). Save it again as PNG or JPEG.");

    // JPEG and WebP decoders can decode at a reduced size; others cannot.
    private int Reduction(double across, double down)
    {
        var most = Math.Min(Math.Min(across, down) / Spare, MaxReduction);
        var reduction = 1;
        while (2 * reduction <= most && Reduced(2 * reduction) is var next && next.Width < Reduced(reduction).Width)
            reduction *= 2;
        return reduction;
    }

    private PixelSize Reduced(int by)
    {
        var size = codec.GetScaledDimensions(1f / by);
        return new(size.Width, size.Height);
    }

    private Image Read(PixelSize stored)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        var turn = Turn.Of(orientation, stored);
        var rgb = new byte[stored.Width * stored.Height * Image.Channels];
        Decode(Rgba(SKColorType.Rgba8888, stored, srgb), (row, y) => CopyOverWhite(row, rgb, turn.IndexOf(0, y) * Image.Channels, turn.Across * Image.Channels));
        return new Image(turn.Seen.Width, turn.Seen.Height, rgb);
    }

    private static void CopyOverWhite(ReadOnlySpan<byte> row, byte[] rgb, int target, int step)
    {
        for (var x = 0; x < row.Length; x += 4, target += step)
        {
            var alpha = row[x + 3];
            rgb[target] = OverWhite(row[x], alpha);
            rgb[target + 1] = OverWhite(row[x + 1], alpha);
            rgb[target + 2] = OverWhite(row[x + 2], alpha);
        }
    }

    // The means of squares of pixels; those at the edges may be smaller.
    private Image Averaged(int side, PixelSize averaged)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        var turn = Turn.Of(orientation, averaged);
        var rgb = new byte[averaged.Width * averaged.Height * Image.Channels];
        var sums = new int[averaged.Width * Image.Channels];
        var hasAlpha = HasTransparency;
        Decode(Rgba(SKColorType.Rgba8888, Stored, srgb), (row, y) =>
        {
            AddRow(row, sums, side, hasAlpha);
            var rows = 1 + (y % side);
            if (rows < side && y < Stored.Height - 1)
                return;
            for (var x = 0; x < averaged.Width; x++)
            {
                var (count, target) = (rows * Math.Min(side, Stored.Width - (x * side)), Image.Channels * turn.IndexOf(x, y / side));
                for (var i = 0; i < Image.Channels; i++)
                    rgb[target + i] = (byte)((sums[(Image.Channels * x) + i] + (count / 2)) / count);
            }

            sums.AsSpan().Clear();
        });
        return new Image(turn.Seen.Width, turn.Seen.Height, rgb);
    }

    // Adds a row of pixels to the sums of its squares.
    private static void AddRow(ReadOnlySpan<byte> row, int[] sums, int side, bool hasAlpha)
    {
        var pixel = 0;
        for (var sum = 0; sum < sums.Length; sum += Image.Channels)
        {
            int red = 0, green = 0, blue = 0;
            for (var end = Math.Min(pixel + (4 * side), row.Length); pixel < end; pixel += 4)
            {
                int alpha = hasAlpha ? row[pixel + 3] : Opaque;
                red += alpha == Opaque ? row[pixel] : OverWhite(row[pixel], (byte)alpha);
                green += alpha == Opaque ? row[pixel + 1] : OverWhite(row[pixel + 1], (byte)alpha);
                blue += alpha == Opaque ? row[pixel + 2] : OverWhite(row[pixel + 2], (byte)alpha);
            }

            sums[sum] += red;
            sums[sum + 1] += green;
            sums[sum + 2] += blue;
        }
    }

    private static SKImageInfo Rgba(SKColorType type, PixelSize size, SKColorSpace? space = null) => new(size.Width, size.Height, type, SKAlphaType.Unpremul, space);

    private SKImageInfo Rgba(SKColorType type) => Rgba(type, Stored);

    private static byte OverWhite(int color, int alpha) =>
        alpha == Opaque ? (byte)color : (byte)(((color * alpha) + (Opaque * (Opaque - alpha)) + (Opaque / 2)) / Opaque);

    /// <summary>Decodes to rows of RGBA as stored: without orientation, colors not premultiplied by alpha.</summary>
    private void Decode(SKImageInfo info, RowReceiver receive)
    {
        if (info.ColorType == SKColorType.Rgba8888 && PngLines.Open(data) is { } lines)
        {
            using (lines)
                Decode(lines, info, receive);
            return;
        }

        using var pixels = new SKBitmap();
        if (codec.StartScanlineDecode(info) == SKCodecResult.Success && codec.ScanlineOrder == SKCodecScanlineOrder.TopDown)
        {
            var rows = Math.Clamp(StripeBytes / info.RowBytes, 1, info.Height);
            Allocate(pixels, info.WithSize(info.Width, rows));
            for (var y = 0; y < info.Height; y += rows)
            {
                var count = Math.Min(rows, info.Height - y);
                if (codec.GetScanlines(pixels.GetPixels(), count, info.RowBytes) < count)
                    throw CutOff();
                Deliver(y, count);
            }

            return;
        }

        Allocate(pixels, info);
        switch (codec.GetPixels(info, pixels.GetPixels()))
        {
            case SKCodecResult.Success:
                Deliver(0, info.Height);
                break;
            case SKCodecResult.IncompleteInput:
                throw CutOff();
            case var problem:
                throw Damaged(problem.ToString());
        }

        void Deliver(int first, int count)
        {
            var read = pixels.GetPixelSpan();
            for (var y = 0; y < count; y++)
                receive(read.Slice(y * info.RowBytes, info.RowBytes), first + y);
        }
    }

    private void Decode(PngLines lines, SKImageInfo info, RowReceiver receive)
    {
        var row = new byte[info.RowBytes];
        for (var y = 0; y < info.Height; y++)
        {
            Read();
            receive(row, y);
        }

        void Read()
        {
            try
            {
                lines.Read(row);
            }
            catch (EndOfStreamException)
            {
                throw CutOff();
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                // zlib refuses preset dictionaries with an IOException.
                throw Damaged(e.Message.TrimEnd('.'));
            }
        }
    }

    private void Allocate(SKBitmap pixels, SKImageInfo info)
    {
        if (!pixels.TryAllocPixels(info))
            throw new InvalidInputException($"There is not enough memory to read {name} ({Stored} pixels). Use a smaller image.");
    }

    private delegate void RowReceiver(ReadOnlySpan<byte> row, int y);
}
