using System.Buffers.Binary;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// An encoded picture: PNG, JPEG, WebP, GIF or BMP, with its header read and nothing decoded yet. It can be decoded at its own size or, with far
/// less memory and time, at the size that is needed. What comes out is what a viewer shows: turned as EXIF says, colors converted to sRGB, grey
/// and CMYK as RGB, 16 bits as 8, transparency over white, and of an animation the first frame.
/// </summary>
internal sealed class PictureFile : IDisposable
{
    /// <summary>Longest side that is read, in pixels.</summary>
    public const int MaxSide = 1 << 15;

    /// <summary>Most pixels that are read; the header's size is checked before anything is decoded.</summary>
    public const long MaxPixels = 1L << 27;

    /// <summary>Longest file that is read, in bytes.</summary>
    public const int MaxBytes = 1 << 28;

    // What a decoder gives at a time, where it can give less than the whole.
    private const int StripeBytes = 1 << 20;

    // A decoder averages pixels more coarsely than the resampler does, so it is left at least so many of them for each one that is needed.
    private const double Spare = 2;
    private const int MaxReduction = 8;
    private const byte Opaque = byte.MaxValue;

    // Where a PNG says how many bits its numbers have, and what they are.
    private const int PngDepth = 24;
    private const int PngColors = 25;
    private const byte Grey = 0;
    private const byte GreyAlpha = 4;
    private const byte ColorsAlpha = 6;

    private readonly string name;
    private readonly SKData data;
    private readonly SKCodec codec;
    private readonly int orientation;
    private readonly bool isJpeg;

    private PictureFile(MemoryStream bytes, string name)
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
                $"{name} has {stored} pixels; pictures of up to {MaxSide} pixels a side and {MaxPixels >> 20} Mi pixels in all are read: make it smaller.");
        }
    }

    /// <summary>Width and height of the picture, as it is seen.</summary>
    public PixelSize Size => Turn.Of(orientation, Stored).Seen;

    /// <summary>Whether pixels may be transparent.</summary>
    public bool HasTransparency => codec.Info.AlphaType != SKAlphaType.Opaque;

    /// <summary>Whether its numbers have more than the 8 bits that are read of pictures.</summary>
    public bool HasSixteenBits { get; }

    private PixelSize Stored => new(codec.Info.Width, codec.Info.Height);

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is no picture, incomplete, or too large.</exception>
    public static PictureFile Open(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidInputException($"{path} is a folder; give the path of a picture in it.");
        if (!File.Exists(path))
            throw new InvalidInputException($"there is no file {path}; check the path.");
        try
        {
            using var file = File.OpenRead(path);
            return Open(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({e.Message}); check its permissions.", e);
        }
    }

    /// <summary>Opens a stream.</summary>
    /// <param name="stream">The encoded picture, from here to its end.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidInputException">It is no picture, incomplete, or too large.</exception>
    public static PictureFile Open(Stream stream, string name)
    {
        // A length is only a hint: pipes and devices have none, or a wrong one.
        using var bytes = new MemoryStream(stream.CanSeek ? (int)Math.Clamp(stream.Length - stream.Position, 0, MaxBytes) : 0);
        var chunk = new byte[1 << 16];
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            bytes.Write(chunk, 0, read);
            if (bytes.Length > MaxBytes)
                throw new InvalidInputException($"{name} is longer than {MaxBytes >> 20} MiB; give a smaller picture.");
        }

        return bytes.Length > 0 ? new PictureFile(bytes, name) : throw new InvalidInputException($"{name} is empty; give a picture.");
    }

    /// <summary>Decodes the picture at its own size.</summary>
    /// <exception cref="InvalidInputException">It is damaged.</exception>
    public Picture Read() => Read(Stored);

    /// <summary>Decodes what a framing sees, at no more than about the size that the framing brings it to.</summary>
    /// <param name="framing">A framing of pictures of this <see cref="Size"/>.</param>
    /// <returns>The framed picture.</returns>
    /// <exception cref="InvalidInputException">The picture is damaged.</exception>
    public Picture Read(Framing framing)
    {
        var reduction = Reduction((double)framing.Region.Width / framing.Place.Width, (double)framing.Region.Height / framing.Place.Height);
        if (reduction == 1)
            return framing.Apply(Read());
        var stored = Reduced(reduction);
        // A reduced JPEG has pixels beyond the edge where a side is no multiple; of others the sides are rounded.
        var (across, down) = isJpeg ? (reduction, reduction) : ((double)Stored.Width / stored.Width, (double)Stored.Height / stored.Height);
        var turn = Turn.Of(orientation, stored);
        if (turn.Swaps)
            (across, down) = (down, across);
        // The pixels beyond the edge come first where the picture is turned over.
        var (left, top) = (turn.FromRight ? (turn.Seen.Width * across) - Size.Width : 0, turn.FromBottom ? (turn.Seen.Height * down) - Size.Height : 0);
        var (x, y, width, height) = framing.Region;
        return framing.Bring(Read(stored), new PixelBox((x + left) / across, (y + top) / down, width / across, height / down));
    }

    /// <summary>Decodes the picture so that no side is longer than a number of pixels.</summary>
    /// <param name="longestSide">The number of pixels.</param>
    /// <exception cref="InvalidInputException">The picture is damaged.</exception>
    public Picture ReadWithin(int longestSide)
    {
        var target = Within(longestSide);
        return Read(new Framing(Size, PixelRectangle.Whole(Size), PixelRectangle.Whole(target), target));
    }

    /// <summary>Decodes the picture as a mask; <see cref="Mask"/> says by what rule.</summary>
    /// <returns>White where something may change, black elsewhere.</returns>
    /// <exception cref="InvalidInputException">The picture is damaged, or no mask or not clear as one.</exception>
    public Picture ReadMask()
    {
        if (!HasSixteenBits)
            return ReadMask(SKColorType.Rgba8888, byte.MaxValue, (row, pixel) => (row[pixel] + row[pixel + 1] + row[pixel + 2], row[pixel + 3]));
        var colors = data.Span[PngColors];
        if (colors is not (Grey or GreyAlpha))
            return ReadMask(SKColorType.RgbaF16, ushort.MaxValue, (row, pixel) => (Deep(row, pixel) + Deep(row, pixel + 1) + Deep(row, pixel + 2), Deep(row, pixel + 3)));

        // The decoder gives grey as 8 bits whatever it has. But the two bytes of a number lie in the file as two numbers of one byte would.
        var isGrey = colors == Grey;
        var file = data.ToArray();
        (file[PngDepth], file[PngColors]) = (8, isGrey ? GreyAlpha : ColorsAlpha);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), PictureChunks.Checksum(file.AsSpan(12, 17)));
        using var halves = Open(new MemoryStream(file), name);
        return halves.ReadMask(SKColorType.Rgba8888, ushort.MaxValue, (row, pixel) => isGrey
            ? (3 * Whole(row[pixel], row[pixel + 3]), ushort.MaxValue)
            : (3 * Whole(row[pixel], row[pixel + 1]), Whole(row[pixel + 2], row[pixel + 3])));

        static int Deep(ReadOnlySpan<byte> row, int number) => (int)Math.Round(ushort.MaxValue * (float)MemoryMarshal.Cast<byte, Half>(row)[number]);

        static int Whole(byte high, byte low) => (high << 8) | low;
    }

    /// <summary>The picture as the bytes of a PNG file, with its transparency where it has one.</summary>
    /// <param name="longestSide">What is larger is made smaller to this many pixels.</param>
    /// <param name="size">The size it has then.</param>
    /// <exception cref="InvalidInputException">The picture is damaged.</exception>
    public byte[] ToPng(int longestSide, out PixelSize size)
    {
        size = Within(longestSide);
        var picture = ReadWithin(longestSide);
        if (HasSixteenBits && !picture.Rgb.AsSpan().ContainsAnyExcept(byte.MinValue))
            picture = SmallNumbers(picture);
        using var bitmap = HasTransparency ? Uncover(picture, Alpha(size)) : picture.ToBitmap();
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
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

    // What decoders cannot be trusted with: they make up what is missing, or refuse what lacks nothing but its last bytes.
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
                    throw Damaged("codes that mean nothing");
                case JpegScans.Found.Endless:
                    throw Damaged("more scans than a picture needs");
                case JpegScans.Found.WithoutEnd:
                    bytes.Seek(0, SeekOrigin.End);
                    bytes.Write([0xFF, 0xD9]);
                    break;
            }
        }
        else if ((EncodedKinds.IsPng(file) && !PictureChunks.IsWholePng(file, ref turned))
            || (EncodedKinds.IsWebp(file) && !PictureChunks.IsWholeWebp(file, ref turned))
            || (EncodedKinds.IsGif(file) && !PictureChunks.IsWholeGif(file)))
        {
            throw CutOff();
        }
    }

    private InvalidInputException CutOff() => new($"{name} is cut off before its end; copy or download it again.");

    private InvalidInputException Damaged(string problem) => new($"{name} is damaged or of a form that cannot be read ({problem}); save it again as PNG or JPEG.");

    // JPEG and WebP decoders can leave out what is not needed; others cannot.
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

    private Picture Read(PixelSize stored)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        var turn = Turn.Of(orientation, stored);
        var rgb = new byte[stored.Width * stored.Height * Picture.Channels];
        Decode(new SKImageInfo(stored.Width, stored.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul, srgb), (row, y) =>
        {
            var (target, step) = (turn.IndexOf(0, y) * Picture.Channels, turn.Across * Picture.Channels);
            for (var x = 0; x < row.Length; x += 4, target += step)
            {
                var alpha = row[x + 3];
                rgb[target] = OverWhite(row[x], alpha);
                rgb[target + 1] = OverWhite(row[x + 1], alpha);
                rgb[target + 2] = OverWhite(row[x + 2], alpha);
            }
        });
        return new Picture(turn.Seen.Width, turn.Seen.Height, rgb);
    }

    // As a picture, a mask of small numbers in 16 bits is black; it is kept as the mask it is.
    private Picture SmallNumbers(Picture black)
    {
        try
        {
            return ReadMask().Resize(black.Width, black.Height);
        }
        catch (InvalidInputException)
        {
            return black;
        }
    }

    // As a picture in grey, so that it is resized as the colors are.
    private Picture Alpha(PixelSize size)
    {
        var turn = Turn.Of(orientation, Stored);
        var grey = new byte[Stored.Width * Stored.Height * Picture.Channels];
        Decode(new SKImageInfo(Stored.Width, Stored.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), (row, y) =>
        {
            for (var x = 0; x < Stored.Width; x++)
                grey.AsSpan(turn.IndexOf(x, y) * Picture.Channels, Picture.Channels).Fill(row[(4 * x) + 3]);
        });
        return new Picture(turn.Seen.Width, turn.Seen.Height, grey).Resize(size.Width, size.Height);
    }

    // Takes the white from under the colors again; laid over white once more, they are what they were.
    private static SKBitmap Uncover(Picture overWhite, Picture alpha)
    {
        var bitmap = new SKBitmap(new SKImageInfo(overWhite.Width, overWhite.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var pixels = bitmap.GetPixelSpan();
        for (var i = 0; i < overWhite.Rgb.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, Picture.Channels);
            int share = alpha.Rgb[i];
            pixels[(4 * pixel) + channel] = share == 0 ? Opaque : (byte)Math.Clamp(((Opaque * (overWhite.Rgb[i] - Opaque + share)) + (share / 2)) / share, 0, Opaque);
            pixels[(4 * pixel) + Picture.Channels] = (byte)share;
        }

        return bitmap;
    }

    private static byte OverWhite(int color, int alpha) =>
        alpha == Opaque ? (byte)color : (byte)(((color * alpha) + (Opaque * (Opaque - alpha)) + (Opaque / 2)) / Opaque);

    private Picture ReadMask(SKColorType type, int most, NumberReader read)
    {
        // Numbers and not colors: a profile says nothing about a mask.
        var info = new SKImageInfo(Stored.Width, Stored.Height, type, SKAlphaType.Unpremul);
        var rule = new MaskRule(name, most);
        Decode(info, (row, _) =>
        {
            for (var x = 0; x < info.Width; x++)
            {
                var (brightness, alpha) = read(row, 4 * x);
                rule.Note(brightness, alpha);
            }
        });
        rule.Decide();
        var turn = Turn.Of(orientation, Stored);
        var mask = new byte[info.Width * info.Height * Picture.Channels];
        Decode(info, (row, y) =>
        {
            for (var x = 0; x < info.Width; x++)
            {
                var (brightness, alpha) = read(row, 4 * x);
                if (rule.MayChange(brightness, alpha))
                    mask.AsSpan(turn.IndexOf(x, y) * Picture.Channels, Picture.Channels).Fill(byte.MaxValue);
            }
        });
        return new Picture(turn.Seen.Width, turn.Seen.Height, mask);
    }

    /// <summary>Decodes to rows of RGBA, as stored: not turned yet, colors not multiplied by alpha.</summary>
    private void Decode(SKImageInfo info, RowReceiver receive)
    {
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

    private void Allocate(SKBitmap pixels, SKImageInfo info)
    {
        if (!pixels.TryAllocPixels(info))
            throw new InvalidInputException($"There is not enough memory to read {name} ({Stored} pixels); make it smaller.");
    }

    private delegate void RowReceiver(ReadOnlySpan<byte> row, int y);

    // Of a pixel the sum of its colors, and its alpha; what is given is where its numbers begin in the row.
    private delegate (int Brightness, int Alpha) NumberReader(ReadOnlySpan<byte> row, int number);
}

/// <summary>How a stored picture is turned to be seen.</summary>
/// <param name="Swaps">Whether stored rows are seen as columns.</param>
/// <param name="FromRight">Whether the first stored pixel is seen at the right.</param>
/// <param name="FromBottom">Whether the first stored pixel is seen at the bottom.</param>
/// <param name="Seen">Size of the picture as it is seen.</param>
internal readonly record struct Turn(bool Swaps, bool FromRight, bool FromBottom, PixelSize Seen)
{
    /// <summary>How far on, counted row by row, the next pixel of a stored row is seen.</summary>
    public int Across => Swaps ? Below : Beside;

    private int Beside => FromRight ? -1 : 1;

    private int Below => FromBottom ? -Seen.Width : Seen.Width;

    /// <summary>The way to see a picture.</summary>
    /// <param name="orientation">As EXIF counts it: 1 to 8.</param>
    /// <param name="stored">Size of the picture as it is stored.</param>
    public static Turn Of(int orientation, PixelSize stored) => new(
        orientation >= 5, orientation is 2 or 3 or 6 or 7, orientation is 3 or 4 or 7 or 8, orientation >= 5 ? new(stored.Height, stored.Width) : stored);

    /// <summary>Where a stored pixel is seen, counted row by row.</summary>
    public int IndexOf(int x, int y) =>
        (FromRight ? Seen.Width - 1 : 0) + (FromBottom ? (Seen.Height - 1) * Seen.Width : 0) + (x * Across) + (y * (Swaps ? Beside : Below));
}
