using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>Noised pictures, and what the network should say of them.</summary>
/// <param name="Prompts">The prompt of each.</param>
/// <param name="Sizes">What each was before it was framed.</param>
/// <param name="Noisy">Their noised latents, [rows, channels, h, w] float32.</param>
/// <param name="Target">The noise, or what else the network predicts, of the same shape.</param>
/// <param name="Timesteps">The timestep of each, [rows].</param>
internal sealed record TextualInversionBatch(
    IReadOnlyList<TokenizedPrompt> Prompts, IReadOnlyList<SizeConditioning> Sizes, Tensor Noisy, Tensor Target, Tensor Timesteps) : IDisposable
{
    public TextualInversionBatch MoveToOuterDisposeScope() => this with
    {
        Noisy = Noisy.MoveToOuterDisposeScope(),
        Target = Target.MoveToOuterDisposeScope(),
        Timesteps = Timesteps.MoveToOuterDisposeScope(),
    };

    public void Dispose()
    {
        Noisy.Dispose();
        Target.Dispose();
        Timesteps.Dispose();
    }
}
