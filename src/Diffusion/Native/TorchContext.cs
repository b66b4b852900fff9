using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Settings of libtorch that TorchSharp does not expose: exported functions of <c>at::Context</c>, called by the Linux x64 calling convention.
/// </summary>
/// <param name="core">The loaded <c>libtorch_cpu</c>.</param>
internal sealed unsafe class TorchContext(nint core)
{
    private const int ErrorLevel = 2;

    /// <summary>
    /// Ends what libtorch writes to standard error by itself, which is the program's alone. NNPACK complains once for each convolution on
    /// processors that it does not know, and oneDNN does its work anyway; every other warning goes through the same logger.
    /// </summary>
    public void Silence()
    {
        _ = Set("_ZN2at7Context20setUserEnabledNNPACKEb", false);
        // An int of c10's; a search by the handle of a library covers what that library depends on.
        if (OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(core, "FLAGS_caffe2_log_level", out var level))
            *(int*)level = Math.Max(*(int*)level, ErrorLevel);
    }

    /// <summary>Whether oneDNN computes convolutions and bfloat16 products on the CPU. Without it they take up to twice as long.</summary>
    /// <returns>False where this libtorch has no such setting.</returns>
    public bool UseOneDnn(bool isUsed) => Set("_ZN2at7Context20setUserEnabledMkldnnEb", isUsed);

    private bool Set(string setter, bool value)
    {
        if (!OperatingSystem.IsLinux()
            || !NativeLibrary.TryGetExport(core, "_ZN2at13globalContextEv", out var context)
            || !NativeLibrary.TryGetExport(core, setter, out var function))
        {
            return false;
        }
        ((delegate* unmanaged<nint, byte, void>)function)(((delegate* unmanaged<nint>)context)(), value ? (byte)1 : (byte)0);
        return true;
    }
}
