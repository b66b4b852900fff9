using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// The result of an inversion. Edits start from the first entry of <see cref="SourceTrajectory"/>; their source follows the rest of it and is
/// never recomputed.
/// </summary>
public sealed class InvertedImage : IDisposable
{
    internal InvertedImage(InversionSettings settings, Tensor latents, Tensor source)
        : this(Own(latents), Own(source), settings)
    {
    }

    private InvertedImage(Tensor latents, Tensor source, InversionSettings settings) => (Settings, Latents, SourceTrajectory) = (settings, latents, source);

    /// <summary>The settings of the inversion.</summary>
    internal InversionSettings Settings { get; }

    /// <summary>The trajectory from the image's latents (entry 0) to noise, [steps + 1, channels, h, w].</summary>
    public Tensor Latents { get; }

    /// <summary>
    /// The trajectory that an edit's source follows, from noise (entry 0) to the reconstructed image, [steps + 1, channels, h, w].
    /// </summary>
    public Tensor SourceTrajectory { get; }

    /// <summary>
    /// Replacement for the empty prompt's conditioning: one row, or one text per step, [steps, tokens, width]; null for none.
    /// </summary>
    internal Conditioning? Unconditional { get; init; }

    /// <summary>Noise of each step of a stochastic method, [steps, channels, h, w]; null for other methods.</summary>
    public Tensor? StepNoise { get; internal init; }

    /// <summary>Loss before each inner iteration of each timestep; empty for methods that do not optimize.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Losses { get; internal init; } = [];

    /// <summary>Number of finished timesteps; below the settings' steps while the optimization is unfinished.</summary>
    public int FinishedSteps { get; internal init; }

    /// <summary>Whether the inversion is finished.</summary>
    public bool IsComplete => FinishedSteps == Settings.Sampling.Steps;

    /// <summary>Whether the trajectory is that of an edit, which the noise of the steps alone does not retrace.</summary>
    internal bool IsEdit { get; init; }

    /// <summary>Memory of the tensors in bytes.</summary>
    internal long Bytes => new[] { Latents, SourceTrajectory, Unconditional?.Text, Unconditional?.Vector, StepNoise }.OfType<Tensor>().Sum(tensor => tensor.numel() * tensor.element_size());

    /// <inheritdoc/>
    public void Dispose()
    {
        Latents.Dispose();
        SourceTrajectory.Dispose();
        Unconditional?.Dispose();
        StepNoise?.Dispose();
    }

    /// <summary>
    /// Writes the inversion in the trace format. Always: <c>inversion.latents</c> [steps + 1, channels, h, w] (entry 0 the image),
    /// <c>timesteps</c> [steps] int64 and <c>latents</c> [steps + 1, 1, channels, h, w], the trajectory of the edits' source (entry 0 the
    /// start). For null-text, negative-prompt and proximal: <c>inversion.uncond</c> [steps, tokens, width]. For null-text:
    /// <c>inversion.loss</c> [steps] and <c>inversion.iterations</c> [steps] int64. Entries by step are in denoising order.
    /// </summary>
    /// <param name="path">Destination path; the file is written atomically.</param>
    /// <param name="model">The model used for the inversion.</param>
    /// <param name="metadata">Additional header metadata; null for none.</param>
    public void SaveTrace(string path, StableDiffusionModel model, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var scheduler = Settings.Method.CreateScheduler(Settings.Sampling.Configure(model.SchedulerConfig), this);
        var tensors = new Dictionary<string, Tensor>
        {
            ["latents"] = SourceTrajectory.unsqueeze(1).cpu(),
            ["timesteps"] = tensor(scheduler.Timesteps.ToArray(), device: CPU),
        };
        AddTrace(tensors);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>
    /// Adds the inversion's tensors under their names in the trace format: latents, unconditional embeddings, last losses, iterations.
    /// </summary>
    internal void AddTrace(Dictionary<string, Tensor> tensors)
    {
        tensors["inversion.latents"] = Latents.cpu();
        if (Unconditional is not null)
            tensors["inversion.uncond"] = Unconditional.Text.expand(FinishedSteps, -1, -1).to(ScalarType.Float32).cpu();
        if (Unconditional?.Vector is { } vector)
            tensors["inversion.uncond_vector"] = vector.to(ScalarType.Float32).cpu();
        if (Losses.Count == 0)
            return;
        tensors["inversion.loss"] = tensor(Losses.Select(l => l.Count > 0 ? (float)l[^1] : float.NaN).ToArray(), device: CPU);
        tensors["inversion.iterations"] = tensor(Losses.Select(l => (long)l.Count).ToArray(), device: CPU);
    }

    /// <summary>A copy that shares the tensors; each copy keeps them alive and must be disposed.</summary>
    internal InvertedImage Share()
    {
        return new(Shared(Latents), Shared(SourceTrajectory), Settings)
        {
            Unconditional = Unconditional?.Share(),
            StepNoise = StepNoise is null ? null : Shared(StepNoise),
            Losses = Losses,
            FinishedSteps = FinishedSteps,
            IsEdit = IsEdit,
        };

        static Tensor Shared(Tensor tensor) => tensor.alias().DetachFromDisposeScope();
    }

    internal static Tensor Own(Tensor tensor) => tensor.contiguous().clone().DetachFromDisposeScope();
}
