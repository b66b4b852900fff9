using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>Stages shared by the encoder and the decoder.</summary>
internal static class AutoencoderStages
{
    public const double Epsilon = 1e-6;

    public static Func<Tensor, Tensor> Resnet(WeightScope weights, int inputs, int outputs, AutoencoderConfig config)
    {
        var block = new ResnetBlock2D(weights, inputs, outputs, config.NormGroups, Epsilon);
        return x => block.Forward(x);
    }

    public static IEnumerable<Func<Tensor, Tensor>> Middle(WeightScope weights, AutoencoderConfig config)
    {
        var channels = config.Channels[^1];
        yield return Resnet(weights["resnets"][0], channels, channels, config);
        yield return new AutoencoderAttention(weights["attentions"][0], channels, config.NormGroups).Forward;
        yield return Resnet(weights["resnets"][1], channels, channels, config);
    }

    /// <summary>Runs a stage and disposes its input, so that only one full-size activation is alive at a time.</summary>
    public static Tensor Run(Tensor x, Func<Tensor, Tensor> stage)
    {
        var result = stage(x);
        x.Dispose();
        return result;
    }
}
