using PromptToPrompt.Diffusion.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// The device and the type of a training's forward and backward passes. Weights, optimizer state and losses are float32 in either type,
/// and a saved state is float32 on the CPU, so that a run can resume on another device and in another type.
/// </summary>
/// <param name="Device">The device.</param>
/// <param name="Dtype">float32 or bfloat16.</param>
internal sealed record TrainingDevice(Device Device, ScalarType Dtype)
{
    /// <summary>The CPU, in its fastest type.</summary>
    public static TrainingDevice Cpu => On(CPU);

    /// <summary>Number of threads that draw images by default: one for each core.</summary>
    public static int Cores => Environment.ProcessorCount;

    /// <summary>A device in its fastest training type: bfloat16, except on CPUs without arithmetic in it.</summary>
    public static TrainingDevice On(Device device) =>
        new(device, device.type != DeviceType.CPU || LibTorch.HasBFloat16Arithmetic ? ScalarType.BFloat16 : ScalarType.Float32);
}
