using System.Buffers.Binary;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>Checks from its header that a shared library is complete; interrupted downloads leave truncated files.</summary>
internal static class ElfFile
{
    private const int HeaderSize = 64;

    /// <summary>
    /// Whether a file is a 64-bit little-endian ELF library of the length given by its header: the section table comes last. Always true
    /// on systems with other library formats.
    /// </summary>
    public static bool IsWhole(string path)
    {
        if (!OperatingSystem.IsLinux())
            return true;
        using var file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header[..4].SequenceEqual("\u007fELF"u8) || header[4] != 2 || header[5] != 1)
            return false;
        var table = BinaryPrimitives.ReadUInt64LittleEndian(header[0x28..]);
        var entries = (ulong)BinaryPrimitives.ReadUInt16LittleEndian(header[0x3C..]) * BinaryPrimitives.ReadUInt16LittleEndian(header[0x3A..]);
        var length = (ulong)file.Length;
        return table <= length && entries <= length - table;
    }
}
