using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// A symbol version that one shared library requires from another, for example <c>GLIBCXX_3.4.30</c> from <c>libstdc++.so.6</c>.
/// </summary>
/// <param name="Library">The library that must provide the version.</param>
/// <param name="Version">The version's name.</param>
/// <param name="IsWeak">Whether the need is weak: a missing weak version causes only a warning, a missing strong one fails the
/// load.</param>
/// <param name="FlagsOffset">File offset of the entry's 16-bit flags.</param>
internal readonly record struct ElfVersionNeed(string Library, string Version, bool IsWeak, int FlagsOffset);

/// <summary>
/// Reads the symbol versions required by a 64-bit little-endian ELF library (its <c>.gnu.version_r</c> section), and can make one weak.
/// </summary>
/// <remarks>
/// The layout follows the System V ABI (ELF-64 object file format) and the Linux Standard Base, "Symbol Versioning".
/// Every offset is checked against the file, so a damaged library causes only an <see cref="InvalidDataException"/>.
/// </remarks>
internal static class ElfVersionNeeds
{
    private const int HeaderSize = 64;
    private const int SectionHeaderSize = 64;
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort WeakFlag = 0x2;

    /// <summary>Lists the version needs of an ELF file, in file order; empty if there are none.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a 64-bit little-endian ELF file, or contain an offset outside the
    /// file.</exception>
    public static IReadOnlyList<ElfVersionNeed> Read(ReadOnlySpan<byte> elf)
    {
        if (elf.Length < HeaderSize || !elf[..4].SequenceEqual("\u007fELF"u8) || elf[4] != 2 || elf[5] != 1)
            throw new InvalidDataException("not a 64-bit little-endian ELF file");

        var sections = UInt64(elf, 0x28);
        int size = UInt16(elf, 0x3A), count = UInt16(elf, 0x3C);
        if (count > 0 && size < SectionHeaderSize)
            throw new InvalidDataException($"section headers of {size} bytes");

        var needs = new List<ElfVersionNeed>();
        for (var i = 0; i < count; i++)
        {
            var header = sections + (ulong)(i * size);
            if (UInt32(elf, header + 4) != SectionTypeVersionNeeds)
                continue;
            var link = UInt32(elf, header + 40);
            if (link >= count)
                throw new InvalidDataException($"string table {link} of {count} sections");
            var strings = UInt64(elf, sections + (ulong)(link * size) + 24);
            ReadSection(elf, UInt64(elf, header + 24), strings, needs);
        }
        return needs;
    }

    /// <summary>
    /// Returns a copy of an ELF file in which every need of <paramref name="version"/> is weak, or null if there is no strong need of it.
    /// </summary>
    /// <exception cref="InvalidDataException">The bytes are not a well-formed 64-bit little-endian ELF file.</exception>
    public static byte[]? Weaken(ReadOnlySpan<byte> elf, string version)
    {
        byte[]? patched = null;
        foreach (var need in Read(elf))
        {
            if (need.IsWeak || need.Version != version)
                continue;
            patched ??= elf.ToArray();
            var flags = patched.AsSpan(need.FlagsOffset, 2);
            BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | WeakFlag));
        }
        return patched;
    }

    /// <summary>Walks one section: a linked list of libraries, each with a linked list of versions; links are relative and end at 0.</summary>
    private static void ReadSection(ReadOnlySpan<byte> elf, ulong entry, ulong strings, List<ElfVersionNeed> needs)
    {
        while (true)
        {
            var library = Text(elf, strings + UInt32(elf, entry + 4));
            var version = entry + UInt32(elf, entry + 8);
            for (int left = UInt16(elf, entry + 2); left > 0; left--)
            {
                var name = Text(elf, strings + UInt32(elf, version + 8));
                var flags = UInt16(elf, version + 4);
                needs.Add(new ElfVersionNeed(library, name, (flags & WeakFlag) != 0, (int)version + 4));
                // Links are unsigned, so the walk only moves forward and stops at the end of the file at the latest.
                var nextVersion = UInt32(elf, version + 12);
                if (nextVersion == 0)
                    break;
                version += nextVersion;
            }
            var next = UInt32(elf, entry + 12);
            if (next == 0)
                return;
            entry += next;
        }
    }

    private static string Text(ReadOnlySpan<byte> elf, ulong offset)
    {
        if (offset >= (ulong)elf.Length)
            throw Outside(offset);
        var rest = elf[(int)offset..];
        var end = rest.IndexOf((byte)0);
        return end >= 0 ? Encoding.UTF8.GetString(rest[..end]) : throw Outside(offset);
    }

    private static ushort UInt16(ReadOnlySpan<byte> elf, ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(elf, offset, 2));

    private static uint UInt32(ReadOnlySpan<byte> elf, ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(elf, offset, 4));

    private static ulong UInt64(ReadOnlySpan<byte> elf, ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(elf, offset, 8));

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> elf, ulong offset, int length) =>
        offset <= (ulong)elf.Length && (ulong)elf.Length - offset >= (ulong)length ? elf.Slice((int)offset, length) : throw Outside(offset);

    private static InvalidDataException Outside(ulong offset) => new($"offset {offset} lies outside the file");
}
