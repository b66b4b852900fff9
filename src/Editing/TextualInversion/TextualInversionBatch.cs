using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>A batch of noised images with the expected network output.</summary>
/// <param name="Prompts">The prompt of each row.</param>
/// <param name="Sizes">The size conditioning of each row.</param>
/// <param name="Noisy">The noised latents, [rows, channels, h, w] float32.</param>
/// <param name="Target">The expected output (noise, velocity or sample, by the model's prediction type), of the same shape.</param>
/// <param name="Timesteps">The timestep of each row, [rows].</param>
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
