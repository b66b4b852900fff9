using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>One of a model's text encoders. All of them read the same tokens; only the padding differs.</summary>
/// <param name="Model">The text encoder.</param>
/// <param name="PadId">Id of the padding token.</param>
internal sealed record PromptEncoder(ClipTextModel Model, int PadId);
