namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>A LoRA (Hu et al., arXiv 2106.09685), or one of its relatives LoHa, LoKr and DoRA, to add to a model's weights.</summary>
/// <param name="Path">The file, in the naming of kohya's scripts, of LyCORIS, of diffusers or of peft, or a folder that one of the latter wrote.</param>
/// <param name="Weight">How strongly it is added; 1 as it was trained, 0 not at all.</param>
public sealed record Lora(string Path, double Weight = 1);
