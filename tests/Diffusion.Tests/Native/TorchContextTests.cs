using System.Runtime.InteropServices;
using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed unsafe partial class TorchContextTests
{
    [Fact]
    public void LibtorchDoesNotWriteToStandardError()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "file descriptors");
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        // Transposing three dimensions is deprecated, and libtorch warns of it once.
        Assert.Equal("", StandardErrorOf(() => _ = zeros(2, 3, 4).T));
    }

    [Fact]
    public void NNPackIsOff()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "mangled names");
        LibTorch.EnsureLoaded();
        var core = NativeLibrary.Load(LibTorch.CoreFile!);
        var context = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(core, "_ZN2at13globalContextEv"))();
        Assert.Equal(0, ((delegate* unmanaged<nint, byte>)NativeLibrary.GetExport(core, "_ZNK2at7Context17userEnabledNNPACKEv"))(context));
    }

    [Fact]
    public void OneDnnCanBeSwitchedOffAndOn()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "mangled names");
        LibTorch.EnsureLoaded();
        Assert.True(LibTorch.UseOneDnn(false));
        try
        {
            using var x = rand(1, 32, 8, 8);
            using var kernel = rand(32, 32, 3, 3);
            using var slow = nn.functional.conv2d(x, kernel);
            Assert.True(LibTorch.UseOneDnn(true));
            using var fast = nn.functional.conv2d(x, kernel);
            Assert.True(slow.allclose(fast, rtol: 1e-4));
        }
        finally
        {
            Assert.True(LibTorch.UseOneDnn(true));
        }
    }

    /// <summary>Output of any code to the process's file descriptor 2.</summary>
    private static string StandardErrorOf(Action action)
    {
        var path = Path.GetTempFileName();
        try
        {
            var kept = Duplicate(2);
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            {
                Assert.Equal(2, DuplicateTo((int)file.DangerousGetHandle(), 2));
                try
                {
                    action();
                }
                finally
                {
                    _ = DuplicateTo(kept, 2);
                    _ = Close(kept);
                }
            }

            return File.ReadAllText(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int DuplicateTo(int descriptor, int target);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
