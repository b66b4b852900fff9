namespace PromptToPrompt.Storybook.Training;

/// <summary>Where a training run stands.</summary>
/// <param name="Stage">What is being trained.</param>
/// <param name="Pictures">Pictures seen so far in this stage.</param>
/// <param name="Total">Pictures this stage will see.</param>
/// <param name="Loss">Average of the last steps' losses.</param>
/// <param name="Note">A measure of quality, such as PSNR.</param>
public sealed record TrainingProgress(string Stage, long Pictures, long Total, double Loss, string Note);
