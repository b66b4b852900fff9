using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>The dynamic symbols of a 64-bit little-endian ELF library (its <c>.dynsym</c>; System V ABI, ELF-64 object file format).</summary>
/// <param name="Defined">Names that the library provides.</param>
/// <param name="Needed">Names that it needs from other libraries; weak ones, which may be missing, are not included.</param>
internal sealed record ElfSymbols(IReadOnlySet<string> Defined, IReadOnlyList<string> Needed)
{
    private const int HeaderSize = 64;
    private const int SectionHeaderSize = 64;
    private const int SymbolSize = 24;
    private const uint SectionTypeDynamicSymbols = 11;
    private const int BindingWeak = 2;

    /// <summary>Reads a library. Only the symbol tables are read, so that large libraries take little memory.</summary>
    /// <exception cref="InvalidDataException">The file is not a complete 64-bit little-endian ELF library.</exception>
    public static ElfSymbols Read(string path)
    {
        if (!ElfFile.IsWhole(path))
            throw new InvalidDataException($"{path} is not a complete 64-bit ELF library.");
        using var file = File.OpenRead(path);
        var header = Bytes(0, HeaderSize);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x3A)), count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x3C));
        if (count > 0 && size < SectionHeaderSize)
            throw new InvalidDataException($"{path} has section headers of {size} bytes.");
        var sections = Bytes(BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(0x28)), (ulong)(size * count));
        var (defined, needed) = (new HashSet<string>(StringComparer.Ordinal), new List<string>());
        for (var i = 0; i < count; i++)
        {
            var section = sections.AsSpan(i * size);
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != SectionTypeDynamicSymbols)
                continue;
            var link = BinaryPrimitives.ReadUInt32LittleEndian(section[40..]);
            if (link >= count)
                throw new InvalidDataException($"{path} names string table {link} of {count} sections.");
            Add(Content(section), Content(sections.AsSpan((int)link * size)));
        }

        return new ElfSymbols(defined, needed);

        byte[] Content(ReadOnlySpan<byte> section) => Bytes(BinaryPrimitives.ReadUInt64LittleEndian(section[24..]), BinaryPrimitives.ReadUInt64LittleEndian(section[32..]));

        byte[] Bytes(ulong offset, ulong length)
        {
            if (offset > (ulong)file.Length || length > (ulong)file.Length - offset || length > int.MaxValue)
                throw new InvalidDataException($"{path} has a section outside the file.");
            var bytes = new byte[length];
            file.Position = (long)offset;
            file.ReadExactly(bytes);
            return bytes;
        }

        void Add(ReadOnlySpan<byte> symbols, ReadOnlySpan<byte> strings)
        {
            for (; symbols.Length >= SymbolSize; symbols = symbols[SymbolSize..])
            {
                var start = BinaryPrimitives.ReadUInt32LittleEndian(symbols);
                if (start >= (uint)strings.Length)
                    throw new InvalidDataException($"{path} has a symbol without a name.");
                var rest = strings[(int)start..];
                var name = Encoding.UTF8.GetString(rest[..Math.Max(0, rest.IndexOf((byte)0))]);
                if (BinaryPrimitives.ReadUInt16LittleEndian(symbols[6..]) != 0)
                    defined.Add(name);
                else if (name.Length > 0 && symbols[4] >> 4 != BindingWeak)
                    needed.Add(name);
            }
        }
    }
}
