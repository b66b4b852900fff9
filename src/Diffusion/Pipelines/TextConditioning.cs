using PromptToPrompt.Diffusion.Tokenization;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Prompts as the U-Net sees them.</summary>
public static class TextConditioning
{
    /// <summary>Encodes prompts one by one, so that a prompt's embedding never depends on its neighbours: [prompts, tokens, width].</summary>
    public static Tensor Encode(StableDiffusionModel model, IEnumerable<TokenizedPrompt> prompts)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var rows = prompts.Select(prompt => model.TextEncoder.Forward(
            tensor(prompt.Ids.Select(id => (long)id).ToArray(), [1, prompt.Ids.Count], device: model.Device)));
        return cat([.. rows], 0).MoveToOuterDisposeScope();
    }
}
