using TorchSharp;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>Finds the device that a name such as <c>cuda:1</c> asks for. What is asked for is taken, or the error says why it cannot be.</summary>
internal static class ComputeDevice
{
    /// <summary>The name that leaves the choice to the program: a GPU where one can be used, else the CPU.</summary>
    public const string Auto = "auto";

    private const string Setting = "Device";
    private const string Cuda = "cuda";

    /// <summary>Whether a text is a name of a device: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public static bool IsName(string text) => text.Split(':') is [Auto] or ["cpu"] or [Cuda] || (text.Split(':') is [Cuda, var n] && byte.TryParse(n, out _));

    /// <summary>The device of a name. Loads libtorch.</summary>
    /// <exception cref="InvalidInputException">There is no such device here.</exception>
    public static torch.Device Named(string name)
    {
        LibTorch.EnsureLoaded();
        return name != "cpu" && Index(name, torch.cuda.is_available() ? torch.cuda.device_count() : 0, LibTorch.WhyNoCuda) is { } index
            ? new torch.Device(DeviceType.CUDA, index)
            : torch.CPU;
    }

    /// <summary>A device as a person reads it: with the GPU's name.</summary>
    public static string Describe(torch.Device device) =>
        device.type == DeviceType.CUDA && CudaDriver.Gpus().FirstOrDefault(gpu => gpu.Index == device.index) is { } gpu ? gpu.ToString() : device.ToString();

    /// <summary>The GPU that a name other than <c>cpu</c> stands for; null for the CPU.</summary>
    /// <param name="name">The name.</param>
    /// <param name="gpus">How many GPUs can be used.</param>
    /// <param name="whyNone">Why there is none, as the end of a sentence.</param>
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
