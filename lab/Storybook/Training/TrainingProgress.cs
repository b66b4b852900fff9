namespace PromptToPrompt.Storybook.Training;

/// <summary>Progress of a training run.</summary>
/// <param name="Stage">The current stage.</param>
/// <param name="Images">Images seen so far in this stage.</param>
/// <param name="Total">Total number of images of this stage.</param>
/// <param name="Loss">Average loss of the last steps.</param>
/// <param name="Note">A measure of quality, such as PSNR.</param>
public sealed record TrainingProgress(string Stage, long Images, long Total, double Loss, string Note)
{
    /// <summary>The autoencoder's fidelity on images that it does not train with; null where it was not measured.</summary>
    public ReconstructionFidelity? HeldOut { get; init; }
}
