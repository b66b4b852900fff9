using TorchSharp;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>Resolves device names such as <c>cuda:1</c>, with an error if the device is not available.</summary>
internal static class ComputeDevice
{
    /// <summary>The name for automatic selection: a GPU if one is available, else the CPU.</summary>
    public const string Auto = "auto";

    private const string Setting = "Device";
    private const string Cuda = "cuda";

    /// <summary>Whether a text is a device name: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public static bool IsName(string text) => text.Split(':') is [Auto] or ["cpu"] or [Cuda] || (text.Split(':') is [Cuda, var n] && byte.TryParse(n, out _));

    /// <summary>The device with a given name. Loads libtorch.</summary>
    /// <exception cref="InvalidInputException">The device is not available.</exception>
    public static torch.Device Named(string name)
    {
        LibTorch.EnsureLoaded();
        return name != "cpu" && Index(name, torch.cuda.is_available() ? torch.cuda.device_count() : 0, LibTorch.WhyNoCuda) is { } index
            ? new torch.Device(DeviceType.CUDA, index)
            : torch.CPU;
    }

    /// <summary>A readable name of a device, including the GPU's model.</summary>
    public static string Describe(torch.Device device) =>
        device.type == DeviceType.CUDA && CudaDriver.Gpus().FirstOrDefault(gpu => gpu.Index == device.index) is { } gpu ? gpu.ToString() : device.ToString();

    /// <summary>The index of the GPU for a name other than <c>cpu</c>; null for the CPU.</summary>
    /// <param name="name">The device name.</param>
    /// <param name="gpus">Number of available GPUs.</param>
    /// <param name="whyNone">The reason why there are none, as the end of a sentence.</param>
    internal static int? Index(string name, int gpus, Func<string> whyNone)
    {
        if (name == Auto)
            return gpus > 0 ? 0 : null;
        InvalidInputException.Require(gpus > 0, Setting, $"{name} is not available: {whyNone()}.", "Use cpu.");
        var index = name.Split(':') is [_, var number] ? int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : 0;
        InvalidInputException.Require(
            index < gpus,
            Setting,
            $"{name} is not available: this machine has {(gpus == 1 ? "1 GPU" : $"{gpus} GPUs")}.",
            gpus == 1 ? $"Use {Cuda}:0." : $"Use {Cuda}:0 to {Cuda}:{gpus - 1}.");
        return index;
    }
}
