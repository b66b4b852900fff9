using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Devices;

/// <summary>
/// One complete edit (a source and a target in one batch, including encoding the prompts and decoding the images) on a device in a
/// compute type.
/// </summary>
/// <param name="Latents">The final latents, all values; empty if the run failed.</param>
/// <param name="Images">Source and edit.</param>
/// <param name="Seconds">Duration.</param>
/// <param name="HeldMemory">
/// Bytes of GPU memory in use after the run, including other processes. libtorch keeps its peak memory, including that of earlier runs.
/// Null on a CPU.
/// </param>
/// <param name="Problem">The reason of a failure; null for success.</param>
internal sealed record DeviceRun(IReadOnlyList<float> Latents, IReadOnlyList<Image> Images, double Seconds, long? HeldMemory, string? Problem = null)
{
    private const string Source = "a white house in a field", Target = "a red house in a field";

    /// <summary>Runs the edit.</summary>
    /// <param name="model">The model, on the device and in the type to test.</param>
    /// <param name="side">Height and width of the images in pixels.</param>
    /// <param name="steps">Number of denoising steps.</param>
    /// <param name="cancellationToken">Stops the run before the next step.</param>
    public static DeviceRun Of(StableDiffusionModel model, int side, int steps, CancellationToken cancellationToken)
    {
        var source = new GenerationRequest
        {
            Prompt = Source,
            Sampling = new() { Steps = steps, Seed = 1, Size = new PixelSize(side, side), Scheduler = SchedulerKind.Ddim },
        };
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            using var result = EditRun.Execute(model, source, new EditRequest { Prompts = [Target] }, cancellationToken: cancellationToken);
            var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            using var latents = result.Latents.cpu();
            return new(latents.data<float>().ToArray(), result.Images, seconds, Scalar(model.Device));
        }
        catch (Exception e) when (e is InvalidInputException || IsOutOfMemory(e))
        {
            return new([], [], TimeProvider.System.GetElapsedTime(started).TotalSeconds, Scalar(model.Device), e is InvalidInputException ? e.Message : "out of memory");
        }
    }

    /// <summary>
    /// Largest difference of the final latents from those of another run, relative to the largest value there; null if either run failed.
    /// </summary>
    public double? ErrorAgainst(DeviceRun reference) => Problem is not null || reference.Problem is not null ? null
        : Latents.Zip(reference.Latents, (mine, other) => Math.Abs((double)mine - other)).Max() / reference.Latents.Max(value => Math.Abs((double)value));

    /// <summary>Mean difference of the images' bytes from those of another run; null if either run failed.</summary>
    public double? ImageErrorAgainst(DeviceRun reference) => Problem is not null || reference.Problem is not null ? null
        : Images.Zip(reference.Images, (mine, other) => mine.Rgb.Zip(other.Rgb, (a, b) => Math.Abs(a - b)).Average()).Average();

    private static long? Scalar(Device device) =>
        device.type == DeviceType.CUDA && CudaDriver.Memory(device.index) is { } memory ? memory.Total - memory.Free : null;

    // libtorch has no separate exception type for this.
    private static bool IsOutOfMemory(Exception e) =>
        e is System.Runtime.InteropServices.ExternalException && e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);
}
