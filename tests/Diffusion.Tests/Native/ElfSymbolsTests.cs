using CsCheck;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class ElfSymbolsTests
{
    [Fact]
    public void ALibrarysOwnAndForeignFunctionsAreFound()
    {
        var symbols = ElfSymbols.Read(NativeSearchPath.Find("LibTorchSharp")!);
        Assert.Contains("THSTensor_add", symbols.Defined);
        Assert.Contains("memcpy", symbols.Needed);
        Assert.DoesNotContain("THSTensor_add", symbols.Needed);
        // Weak symbols may be missing.
        Assert.DoesNotContain("__gmon_start__", symbols.Needed);
    }

    [Fact]
    public void ADamagedFileIsRefused()
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(NativeSearchPath.Find("LibTorchSharp")!);
        File.WriteAllBytes(folder["short.so"], whole.AsSpan(0, whole.Length / 2));
        Assert.Throws<InvalidDataException>(() => ElfSymbols.Read(folder["short.so"]));
        // Every byte of the first section headers may be wrong; nothing worse than this error may come of it.
        Gen.Int[0, 2000].Select(Gen.Byte).Sample((back, value) =>
        {
            var damaged = (byte[])whole.Clone();
            damaged[^(back + 1)] = value;
            File.WriteAllBytes(folder["damaged.so"], damaged);
            try
            {
                _ = ElfSymbols.Read(folder["damaged.so"]);
            }
            catch (InvalidDataException)
            {
                // The damage was seen.
            }
        }, iter: 50, threads: 1);
    }
}
