using System.Buffers.Binary;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>
/// Checkpoints in the format of PyTorch before 1.6, which is no archive: five pickles (a magic number, the version, facts about the system, the content, the
/// keys of the storages) and then the storages in the order of the keys, each with its number of elements before its data.
/// </summary>
internal static class LegacyCheckpoint
{
    // Pickles before the content.
    private const int Preamble = 3;
    private const int MaxPicklesLength = 64 << 20;

    // The first bytes: a pickled number.
    private static readonly byte[] Start = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9];

    /// <summary>Whether bytes are the start of such a file.</summary>
    public static bool StartsLike(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Start.AsSpan(0, Math.Min(Start.Length, bytes.Length)));

    /// <summary>Whether a file is one.</summary>
    public static bool IsOne(MappedFile file) => file.Length >= Start.Length && StartsLike(file.Span(0, Start.Length));

    /// <summary>Reads the content.</summary>
    /// <exception cref="InvalidInputException">The file is damaged, or its pickles use something that checkpoints do not need.</exception>
    public static object? Read(string path, MappedFile file)
    {
        var pickles = file.Span(0, (int)Math.Min(file.Length, MaxPicklesLength));
        long position = 0;
        for (var i = 0; i < Preamble; i++)
            position += LengthOf(path, pickles[(int)position..]);
        var content = pickles[(int)position..];
        // The data comes after the content that describes it. The first reading gives the sizes, the second one the tensors.
        _ = PickleReader.Read(path, content, _ => new ZipEntry(0, file.Length), out var length, out var storages);
        position += length;
        var keys = PickleReader.Read(path, pickles[(int)position..], _ => null, out length, out _) as PickleList ?? throw Damaged(path, "it has no list of storages");
        var entries = Entries(path, file, position + length, keys, storages);
        return PickleReader.Read(path, content, key => entries.TryGetValue(key, out var entry) ? entry : null);
    }

    private static int LengthOf(string path, ReadOnlySpan<byte> pickles)
    {
        PickleReader.Read(path, pickles, _ => null, out var length, out _);
        return length;
    }

    private static Dictionary<string, ZipEntry> Entries(
        string path, MappedFile file, long position, PickleList keys, IReadOnlyList<(string Key, PickleStorage Storage)> storages)
    {
        var described = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        foreach (var (key, storage) in storages)
            described[key] = storage;
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        foreach (var item in keys.Items)
        {
            if (item is not string key || !described.TryGetValue(key, out var storage))
                throw Damaged(path, "it has data that nothing describes");
            if (file.Length - position < sizeof(long))
                throw Damaged(path, "it is truncated");
            var count = BinaryPrimitives.ReadInt64LittleEndian(file.Span(position, sizeof(long)));
            position += sizeof(long);
            if (count != storage.Count || count > (file.Length - position) / storage.ElementSize)
                throw Damaged(path, "it is truncated, or the sizes of its data disagree");
            entries[key] = new ZipEntry(position, count * storage.ElementSize);
            position += count * storage.ElementSize;
        }

        return entries;
    }

    private static InvalidInputException Damaged(string path, string what) => new($"{path} is not a readable checkpoint: {what}. Download it again.");
}
