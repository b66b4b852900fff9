using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Settings of libtorch that TorchSharp does not expose: exported functions of <c>at::Context</c>, called with the Linux x64 calling
/// convention.
/// </summary>
/// <param name="core">The loaded <c>libtorch_cpu</c>.</param>
internal sealed unsafe class TorchContext(nint core)
{
    private const int ErrorLevel = 2;

    /// <summary>
    /// Silences libtorch's own output to standard error, which belongs to the program. NNPACK warns once per convolution on
    /// processors that it does not know, although oneDNN does the work; all other warnings use the same logger.
    /// </summary>
    public void Silence()
    {
        _ = Set("_ZN2at7Context20setUserEnabledNNPACKEb", false);
        // An int in c10; searching by a library's handle includes its dependencies.
        if (OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(core, "FLAGS_caffe2_log_level", out var level))
            *(int*)level = Math.Max(*(int*)level, ErrorLevel);
    }

    /// <summary>
    /// Sets whether oneDNN computes convolutions and bfloat16 products on the CPU. Without it they take up to twice as long.
    /// </summary>
    /// <returns>False if this libtorch does not have the setting.</returns>
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
