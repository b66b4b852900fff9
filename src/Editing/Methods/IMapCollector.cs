using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>Collects cross-attention maps of the images of a run.</summary>
internal interface IMapCollector
{
    /// <summary>Whether maps of this layer are collected.</summary>
    bool Collects(in AttentionCall call);

    /// <summary>Adds the map of an image at a step, [1, heads, positions, tokens].</summary>
    void Add(in AttentionCall call, int prompt, Tensor probabilities);
}
