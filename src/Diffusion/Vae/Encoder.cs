using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>Image → mean and log-variance of its latents, stacked along the channels.</summary>
internal sealed class Encoder
{
    private readonly Conv2d convIn;
    private readonly List<Func<Tensor, Tensor>> stages = [];
    private readonly GroupNorm normOut;
    private readonly Conv2d convOut;

    public Encoder(WeightScope weights, AutoencoderConfig config)
    {
        convIn = new Conv2d(weights["conv_in"], config.InChannels, config.Channels[0], 3, padding: 1);
        var inputs = config.Channels[0];
        for (var level = 0; level < config.Channels.Count; level++)
        {
            var block = weights["down_blocks"][level];
            for (var i = 0; i < config.LayersPerBlock; i++, inputs = config.Channels[level])
                stages.Add(AutoencoderStages.Resnet(block["resnets"][i], inputs, config.Channels[level], config));
            if (level < config.Channels.Count - 1)
                stages.Add(new Downsample2D(block["downsamplers"][0], config.Channels[level], padRightBottom: true).Forward);
        }

        stages.AddRange(AutoencoderStages.Middle(weights["mid_block"], config));
        normOut = new GroupNorm(weights["conv_norm_out"], inputs, config.NormGroups, AutoencoderStages.Epsilon);
        convOut = new Conv2d(weights["conv_out"], inputs, config.LatentChannels * 2, 3, padding: 1);
    }

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var hidden = stages.Aggregate(convIn.Forward(x), AutoencoderStages.Run);
        return convOut.Forward(normOut.ForwardSilu(hidden)).MoveToOuterDisposeScope();
    }
}
