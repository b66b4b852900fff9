using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The network of a denoising loop: a model's U-Net, with the type and device it computes in.</summary>
public sealed class Denoiser
{
    private readonly Func<UNet2DConditionModel> unet;

    /// <summary>Describes a network.</summary>
    /// <param name="name">Path of the model, for errors.</param>
    /// <param name="config">The U-Net's shape.</param>
    /// <param name="dtype">Type it computes in.</param>
    /// <param name="device">Device of its weights.</param>
    /// <param name="unet">The U-Net; called for each prediction, because low-memory models hold it only while it is used.</param>
    internal Denoiser(string name, UNetConfig config, ScalarType dtype, Device device, Func<UNet2DConditionModel> unet) =>
        (Name, Config, Dtype, Device, this.unet) = (name, config, dtype, device, unet);

    /// <summary>Path of the model.</summary>
    public string Name { get; }

    /// <summary>The U-Net's shape.</summary>
    internal UNetConfig Config { get; }

    /// <summary>Type it computes in.</summary>
    public ScalarType Dtype { get; }

    /// <summary>Device of its weights.</summary>
    public Device Device { get; }

    /// <summary>Whether it was distilled to take guidance as an input; the negative prompt then plays no part.</summary>
    public bool TakesGuidance => Config.GuidanceWidth is not null;

    /// <summary>One evaluation of the U-Net.</summary>
    /// <param name="latents">[rows, channels, h, w].</param>
    /// <param name="timestep">Diffusion timestep of all rows.</param>
    /// <param name="conditioning">What each row is conditioned on.</param>
    /// <param name="attention">Computes attention.</param>
    /// <param name="step">The step as attention processors see it.</param>
    /// <returns>The predicted noise or velocity, [rows, channels, h, w] float32.</returns>
    public Tensor Predict(Tensor latents, long timestep, Conditioning conditioning, AttentionProcessor attention, DenoisingStep step)
    {
        using var scope = NewDisposeScope();
        // A kernel writes the number: copying it to a GPU would wait for everything queued before it.
        var number = full([1], Scalar(timestep), ScalarType.Int64, Device);
        return unet().Forward(latents.to(Dtype), number, conditioning, attention, step).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
