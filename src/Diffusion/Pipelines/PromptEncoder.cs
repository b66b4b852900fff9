using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>One of a model's text encoders. All of them read the same tokens; only what prompts are filled up with differs.</summary>
/// <param name="Model">The encoder.</param>
/// <param name="PadId">Id of the token that fills prompts up.</param>
internal sealed record PromptEncoder(ClipTextModel Model, int PadId);
