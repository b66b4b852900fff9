using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native.Numerics;

/// <summary>The facts that decide which kernels libtorch uses, and so what a verdict about this machine depends on.</summary>
internal static class MachineFacts
{
    /// <summary>One fact per line, readable in the cache file. libtorch must be loaded.</summary>
    /// <param name="kind">The kind and version of the verdict.</param>
    /// <param name="device">The device.</param>
    public static string Of(string kind, Device device)
    {
        var library = LibTorch.CoreFile is { } path ? new FileInfo(path) : null;
        string[] kernels = ["ATEN_", "DNNL_", "MKL_", "ONEDNN_"];
        var variables = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(variable => $"{variable.Key}={variable.Value}")
            .Where(variable => kernels.Any(kernel => variable.StartsWith(kernel, StringComparison.Ordinal))).Order(StringComparer.Ordinal);
        return string.Join('\n',
        [
            kind, $"processor {Processor.Name}", $"libtorch of {library?.Length} bytes, {library?.LastWriteTimeUtc:O}, kernels {LibTorch.Kernels}",
            $"device {ComputeDevice.Describe(device)}", get_num_threads() > 1 ? "several threads" : "one thread", .. variables,
        ]);
    }
}
