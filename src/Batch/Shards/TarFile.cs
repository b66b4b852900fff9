using System.Formats.Tar;

namespace PromptToPrompt.Batch.Shards;

/// <summary>Tar files whose bytes depend on their members alone: no times, owners or machines.</summary>
internal static class TarFile
{
    /// <summary>Adds a member.</summary>
    public static void Add(this TarWriter tar, string name, ReadOnlyMemory<byte> content) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
    {
        DataStream = new MemoryStream(content.ToArray(), writable: false),
        ModificationTime = DateTimeOffset.UnixEpoch,
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
    });

    /// <summary>The members of a file, one at a time.</summary>
    public static IEnumerable<(string Name, byte[] Content)> Read(string path)
    {
        using var tar = new TarReader(File.OpenRead(path));
        while (tar.GetNextEntry() is { } member)
        {
            using var content = new MemoryStream();
            member.DataStream?.CopyTo(content);
            yield return (member.Name, content.ToArray());
        }
    }
}
