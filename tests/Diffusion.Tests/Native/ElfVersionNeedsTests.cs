using CsCheck;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class ElfVersionNeedsTests
{
    private const string Needless = "GLIBCXX_3.4.32";

    [Fact]
    public void ReadsTheNeedsOfThePackagedLibrary()
    {
        var needs = ElfVersionNeeds.Read(PackagedLibrary());
        Assert.Contains(needs, need => need is { Library: "libstdc++.so.6", Version: Needless, IsWeak: false });
        Assert.Contains(needs, need => need is { Library: "libc.so.6", Version: "GLIBC_2.34" });
        Assert.All(needs, need => Assert.False(need.IsWeak));
    }

    [Fact]
    public void WeakeningChangesOneByteAndThatVersionOnly()
    {
        var original = PackagedLibrary();
        var patched = Assert.IsType<byte[]>(ElfVersionNeeds.Weaken(original, Needless));
        var flags = ElfVersionNeeds.Read(original).Single(need => need.Version == Needless).FlagsOffset;
        int[] changed = [.. Enumerable.Range(0, original.Length).Where(i => original[i] != patched[i])];
        Assert.Equal([flags], changed);
        Assert.Equal([Needless], ElfVersionNeeds.Read(patched).Where(need => need.IsWeak).Select(need => need.Version));
    }

    [Fact]
    public void NothingToDoGivesNull()
    {
        var original = PackagedLibrary();
        Assert.Null(ElfVersionNeeds.Weaken(original, "GLIBCXX_9.9.9"));
        Assert.Null(ElfVersionNeeds.Weaken(ElfVersionNeeds.Weaken(original, Needless), Needless));
    }

    [Fact]
    public void GarbageIsRefusedAsInvalidData() =>
        Gen.Byte.Array[0, 512].Sample(bytes => ReadsOrRefuses(bytes), iter: 2000);

    [Fact]
    public void ADamagedHeaderIsRefusedOrReadButNeverFollowedOutOfTheFile()
    {
        var header = SmallElf();
        Assert.Equal("LIB", Assert.Single(ElfVersionNeeds.Read(header)).Library);
        Gen.Select(Gen.Int[16, header.Length - 1], Gen.Byte).Array[1, 6].Sample(
            changes =>
            {
                byte[] damaged = [.. header];
                foreach ((var index, var value) in changes)
                    damaged[index] = value;
                ReadsOrRefuses(damaged);
            },
            iter: 5000);
    }

    [Fact]
    public void TruncatedFilesAreRefusedOrRead()
    {
        var whole = SmallElf();
        for (var length = 0; length < whole.Length; length++)
            ReadsOrRefuses(whole[..length]);
    }

    /// <summary>An ELF file with one string table ("", "LIB", "VER_1") and one version need.</summary>
    private static byte[] SmallElf()
    {
        var elf = new byte[256];
        "\u007fELF"u8.CopyTo(elf);
        elf[4] = 2;
        elf[5] = 1;
        elf[0x28] = 64; // section headers at 64
        elf[0x3A] = 64; // of 64 bytes
        elf[0x3C] = 2;  // two of them
        elf[64 + 4] = 3;
        elf[64 + 24] = 192; // section 0: strings at 192
        BitConverter.TryWriteBytes(elf.AsSpan(128 + 4), 0x6ffffffe);
        elf[128 + 24] = 208; // section 1: version needs at 208, strings in section 0
        "\0LIB\0VER_1\0"u8.CopyTo(elf.AsSpan(192));
        byte[] need = [1, 0, 1, 0, 1, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0];
        byte[] version = [0, 0, 0, 0, 0, 0, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0];
        need.CopyTo(elf, 208);
        version.CopyTo(elf, 224);
        return elf;
    }

    private static void ReadsOrRefuses(byte[] bytes)
    {
        try
        {
            ElfVersionNeeds.Read(bytes);
        }
        catch (InvalidDataException)
        {
            // The one way to refuse.
        }
    }

    private static byte[] PackagedLibrary()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the packaged library is an ELF file on Linux only");
        return File.ReadAllBytes(NativeSearchPath.Find("LibTorchSharp")!);
    }
}
