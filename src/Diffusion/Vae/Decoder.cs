using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>Latents → image.</summary>
internal sealed class Decoder
{
    private readonly Conv2d convIn;
    private readonly List<Func<Tensor, Tensor>> stages = [];
    private readonly GroupNorm normOut;
    private readonly Conv2d convOut;

    public Decoder(WeightScope weights, AutoencoderConfig config)
    {
        var inputs = config.Channels[^1];
        convIn = new Conv2d(weights["conv_in"], config.LatentChannels, inputs, 3, padding: 1);
        stages.AddRange(AutoencoderStages.Middle(weights["mid_block"], config));
        for (var level = config.Channels.Count - 1; level >= 0; level--)
        {
            var block = weights["up_blocks"][config.Channels.Count - 1 - level];
            for (var i = 0; i <= config.LayersPerBlock; i++, inputs = config.Channels[level])
                stages.Add(AutoencoderStages.Resnet(block["resnets"][i], inputs, config.Channels[level], config));
            if (level > 0)
                stages.Add(Double(new Upsample2D(block["upsamplers"][0], inputs)));
        }

        normOut = new GroupNorm(weights["conv_norm_out"], inputs, config.NormGroups, AutoencoderStages.Epsilon);
        convOut = new Conv2d(weights["conv_out"], inputs, config.InChannels, 3, padding: 1);
    }

    public Tensor Forward(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var hidden = stages.Aggregate(convIn.Forward(latents), AutoencoderStages.Run);
        return convOut.Forward(normOut.ForwardSilu(hidden)).MoveToOuterDisposeScope();
    }

    private static Func<Tensor, Tensor> Double(Upsample2D upsampler) => x => upsampler.Forward(x, x.shape[2] * 2, x.shape[3] * 2);
}
