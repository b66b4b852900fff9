using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The network of a denoising loop: a model's U-Net, with the type and device it computes in.</summary>
internal sealed class Denoiser
{
    private readonly Func<UNet2DConditionModel> unet;

    /// <summary>Creates a denoiser.</summary>
    /// <param name="name">Path of the model, for errors.</param>
    /// <param name="config">The U-Net's config.</param>
    /// <param name="dtype">Compute type.</param>
    /// <param name="device">Device of the weights.</param>
    /// <param name="unet">The U-Net; called for each prediction, because low-memory models hold it only while it is used.</param>
    internal Denoiser(string name, UNetConfig config, ScalarType dtype, Device device, Func<UNet2DConditionModel> unet) =>
        (Name, Config, Dtype, Device, this.unet) = (name, config, dtype, device, unet);

    /// <summary>Path of the model.</summary>
    public string Name { get; }

    /// <summary>The U-Net's config.</summary>
    internal UNetConfig Config { get; }

    /// <summary>Compute type.</summary>
    public ScalarType Dtype { get; }

    /// <summary>Device of the weights.</summary>
    public Device Device { get; }

    /// <summary>Whether the U-Net was distilled to take guidance as an input; it then ignores the negative prompt.</summary>
    public bool TakesGuidance => Config.GuidanceWidth is not null;

    /// <summary>One evaluation of the U-Net in a run.</summary>
    /// <param name="latents">[rows, channels, h, w].</param>
    /// <param name="constants">The constants of the run.</param>
    /// <param name="conditioning">The conditioning of each row: the same tensors at each step, unless the text changes.</param>
    /// <param name="attention">The attention processor.</param>
    /// <param name="step">The step.</param>
    /// <returns>The predicted noise or velocity, [rows, channels, h, w] float32.</returns>
    public Tensor Predict(Tensor latents, UNetConstants constants, Conditioning conditioning, AttentionProcessor attention, DenoisingStep step)
    {
        using var scope = NewDisposeScope();
        return unet().Forward(latents.to(Dtype), constants, conditioning, attention, step).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>One evaluation of the U-Net by itself.</summary>
    /// <param name="latents">[rows, channels, h, w].</param>
    /// <param name="timestep">Diffusion timestep of all rows.</param>
    /// <param name="conditioning">The conditioning of each row.</param>
    /// <param name="attention">The attention processor.</param>
    /// <param name="step">The step, for attention processors.</param>
    /// <returns>The predicted noise or velocity, [rows, channels, h, w] float32.</returns>
    public Tensor Predict(Tensor latents, long timestep, Conditioning conditioning, AttentionProcessor attention, DenoisingStep step)
    {
        using var scope = NewDisposeScope();
        // A kernel writes the number; a copy to a GPU would wait for all queued work.
        var number = full([1], Scalar(timestep), ScalarType.Int64, Device);
        return unet().Forward(latents.to(Dtype), number, conditioning, attention, step).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
