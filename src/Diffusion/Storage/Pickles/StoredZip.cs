using System.Buffers.Binary;
using System.Text;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>Position of the content of a zip entry in the file.</summary>
internal readonly record struct ZipEntry(long Offset, long Length);

/// <summary>
/// The directory of a zip archive with uncompressed entries, as PyTorch writes them, whose content can be used directly in the
/// file. Format: PKWARE APPNOTE 6.3.10, with the 64-bit extensions.
/// </summary>
internal sealed class StoredZip
{
    private const uint EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50;
    private const uint EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndLength = 22, Locator64Length = 20, End64Length = 56, EntryLength = 46, LocalLength = 30;
    private const int MaxCommentLength = ushort.MaxValue;
    private const ushort Extension64 = 1;
    private const int MaxEntries = 1_000_000;
    private const long MaxDirectoryLength = 256 << 20;

    private readonly string path;
    private readonly MappedFile file;
    private readonly Dictionary<string, ZipEntry> entries = new(StringComparer.Ordinal);

    private StoredZip(string path, MappedFile file) => (this.path, this.file) = (path, file);

    /// <summary>The entries by name.</summary>
    public IReadOnlyDictionary<string, ZipEntry> Entries => entries;

    /// <summary>Reads the directory at the end of the file.</summary>
    /// <exception cref="InvalidInputException">The archive is damaged, or an entry is compressed.</exception>
    public static StoredZip Read(string path, MappedFile file)
    {
        var zip = new StoredZip(path, file);
        zip.ReadDirectory();
        return zip;
    }

    private void ReadDirectory()
    {
        var end = FindEnd();
        var fields = Span(end, EndLength);
        long count = U16(fields, 10), length = U32(fields, 12), offset = U32(fields, 16);
        if (end >= Locator64Length && Span(end - Locator64Length, Locator64Length) is var locator && U32(locator, 0) == Locator64Signature)
        {
            var end64 = Span(Signed(U64(locator, 8)), End64Length);
            if (U32(end64, 0) != End64Signature)
                throw Invalid("its 64-bit directory is not where it should be");
            (count, length, offset) = (Signed(U64(end64, 32)), Signed(U64(end64, 40)), Signed(U64(end64, 48)));
        }

        if (count > MaxEntries || length > MaxDirectoryLength)
            throw Invalid($"its directory claims {count} entries in {length} bytes");
        var directory = Span(offset, length);
        for (var i = 0L; i < count; i++)
            directory = directory[ReadEntry(directory)..];
    }

    /// <summary>Reads one entry of the directory and returns its length there.</summary>
    private int ReadEntry(ReadOnlySpan<byte> directory)
    {
        if (directory.Length < EntryLength || U32(directory, 0) != EntrySignature)
            throw Invalid("its directory ends early");
        int nameLength = U16(directory, 28), extraLength = U16(directory, 30), commentLength = U16(directory, 32);
        var total = EntryLength + nameLength + extraLength + commentLength;
        if (directory.Length < total)
            throw Invalid("its directory ends early");
        var name = Encoding.UTF8.GetString(directory.Slice(EntryLength, nameLength));
        long stored = U32(directory, 20), length = U32(directory, 24), local = U32(directory, 42);
        Extend(directory.Slice(EntryLength + nameLength, extraLength), ref length, ref stored, ref local);
        if (U16(directory, 10) != 0 || stored != length || (U16(directory, 8) & 1) != 0)
            throw Invalid($"its entry \"{PickleText.OneLine(name)}\" is compressed or encrypted, which PyTorch does not do; if it is an archive that contains a model, unpack it and use the file inside");
        var header = Span(local, LocalLength);
        if (U32(header, 0) != LocalSignature)
            throw Invalid($"its entry \"{PickleText.OneLine(name)}\" is not where the directory says");
        var start = local + LocalLength + U16(header, 26) + U16(header, 28);
        if (start > file.Length - length)
            throw Invalid($"its entry \"{PickleText.OneLine(name)}\" reaches beyond the end of the file; it is truncated, so download it again");
        if (!entries.TryAdd(name, new ZipEntry(start, length)))
            throw Invalid($"its entry \"{PickleText.OneLine(name)}\" occurs twice");
        return total;
    }

    /// <summary>Reads the sizes that do not fit into 32 bits from the extension, which contains only those, in this order.</summary>
    private void Extend(ReadOnlySpan<byte> extra, ref long length, ref long stored, ref long local)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), size = U16(extra, 2);
            if (size > extra.Length - 4)
                throw Invalid("an extension in its directory is longer than its entry");
            var data = extra.Slice(4, size);
            if (id == Extension64)
            {
                Take(ref data, ref length);
                Take(ref data, ref stored);
                Take(ref data, ref local);
            }

            extra = extra[(4 + size)..];
        }
    }

    private void Take(ref ReadOnlySpan<byte> data, ref long value)
    {
        if (value != uint.MaxValue)
            return;
        if (data.Length < sizeof(ulong))
            throw Invalid("an extension in its directory is too short");
        value = Signed(U64(data, 0));
        data = data[sizeof(ulong)..];
    }

    private long FindEnd()
    {
        var length = (int)Math.Min(file.Length, EndLength + MaxCommentLength);
        var tail = Span(file.Length - length, length);
        for (var i = tail.Length - EndLength; i >= 0; i--)
        {
            if (U32(tail, i) == EndSignature)
                return file.Length - length + i;
        }

        throw Invalid("its directory is missing; it is truncated, so download it again");
    }

    private ReadOnlySpan<byte> Span(long offset, long length) => offset >= 0 && length >= 0 && length <= file.Length && offset <= file.Length - length
        ? file.Span(offset, (int)length)
        : throw Invalid("its directory points beyond the end of the file");

    private long Signed(ulong value) => value <= long.MaxValue ? (long)value : throw Invalid("its directory holds an impossible number");

    private InvalidInputException Invalid(string what) => new($"{path} is not a valid PyTorch checkpoint: {what}.");

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
