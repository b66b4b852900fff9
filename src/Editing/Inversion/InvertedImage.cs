using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// What an inversion found. Edits start from <see cref="Source"/>'s first entry; their source follows the rest of it and is never computed
/// again.
/// </summary>
public sealed class InvertedImage : IDisposable
{
    internal InvertedImage(InversionSettings settings, Tensor latents, Tensor source)
        : this(Own(latents), Own(source), settings)
    {
    }

    private InvertedImage(Tensor latents, Tensor source, InversionSettings settings) => (Settings, Latents, Source) = (settings, latents, source);

    /// <summary>How it was found.</summary>
    public InversionSettings Settings { get; }

    /// <summary>The way from the picture's latents (entry 0) to noise, [steps + 1, channels, h, w].</summary>
    public Tensor Latents { get; }

    /// <summary>The way back that the source of an edit takes, from noise (entry 0) to the reconstructed picture, [steps + 1, channels, h, w].</summary>
    public Tensor Source { get; }

    /// <summary>What takes the place of the empty prompt, one row, or a text for each step, [steps, tokens, width]; null where nothing does.</summary>
    public Conditioning? Unconditional { get; internal init; }

    /// <summary>Noise of each step of a stochastic method, [steps, channels, h, w]; null for the others.</summary>
    public Tensor? StepNoise { get; internal init; }

    /// <summary>Loss before each inner iteration of each timestep; empty where nothing was optimised.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Losses { get; internal init; } = [];

    /// <summary>Timesteps that are done; fewer than the settings' steps while an optimisation goes on.</summary>
    public int FinishedSteps { get; internal init; }

    /// <summary>Whether the inversion is whole.</summary>
    public bool IsComplete => FinishedSteps == Settings.Sampling.Steps;

    /// <inheritdoc/>
    public void Dispose()
    {
        Latents.Dispose();
        Source.Dispose();
        Unconditional?.Dispose();
        StepNoise?.Dispose();
    }

    /// <summary>
    /// Writes what was found in the trace format. Always: <c>inversion.latents</c> [steps + 1, channels, h, w] (entry 0 the picture), <c>timesteps</c> [steps]
    /// int64 and <c>latents</c> [steps + 1, 1, channels, h, w], the way of the source of edits (entry 0 the start). Of null-text, negative-prompt and proximal:
    /// <c>inversion.uncond</c> [steps, tokens, width]. Of null-text: <c>inversion.loss</c> [steps] and <c>inversion.iterations</c> [steps] int64. Entries of
    /// steps are in the order of denoising.
    /// </summary>
    /// <param name="path">Where to; the file is whole or not there.</param>
    /// <param name="model">The model the picture was inverted with.</param>
    /// <param name="metadata">What the file's header says besides; null for nothing.</param>
    public void SaveTrace(string path, StableDiffusionModel model, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var scheduler = Settings.Method.CreateScheduler(Settings.Sampling.Configure(model.Scheduler), this);
        var tensors = new Dictionary<string, Tensor>
        {
            ["latents"] = Source.unsqueeze(1).cpu(),
            ["timesteps"] = tensor(scheduler.Timesteps.ToArray(), device: CPU),
        };
        AddTrace(tensors);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Adds what was found under the names of the trace format: latents, unconditional embeddings, last losses and iterations.</summary>
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

    /// <summary>The same inversion, whose tensors live on when this one is disposed; it has to be disposed as well.</summary>
    internal InvertedImage Share()
    {
        return new(Shared(Latents), Shared(Source), Settings)
        {
            Unconditional = Unconditional?.Share(),
            StepNoise = StepNoise is null ? null : Shared(StepNoise),
            Losses = Losses,
            FinishedSteps = FinishedSteps,
        };

        static Tensor Shared(Tensor tensor) => tensor.alias().DetachFromDisposeScope();
    }

    internal static Tensor Own(Tensor tensor) => tensor.contiguous().clone().DetachFromDisposeScope();
}
