using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Published.Tests;

/// <summary>The inversions that the reference files have and the sources of their edits, made once for all tests of a class.</summary>
public sealed class PublishedInversions : IDisposable
{
    private const int Steps = 5;

    // Opened by the first test that runs: a fixture cannot skip where the files are not there, a test can.
    private readonly Lazy<Reference> reference = new(() => new Reference());
    private StableDiffusionModel? model;
    private InvertedImage? nullText;
    private readonly Dictionary<InversionMethod, InvertedImage> made = [];
    private readonly Dictionary<string, EditSession> sessions = [];

    public StableDiffusionModel Model => model ??= reference.Value.Model("tiny-sd15");

    public InvertedImage Invert(InversionMethod method)
    {
        if (made.TryGetValue(method, out var found))
            return found;
        using var latents = ImageLatents();
        return made[method] = InversionMethod.Invert(Model, latents, Settings(method));
    }

    /// <summary>The published null-text inversion, read from its files up to a timestep.</summary>
    public InvertedImage NullText(int timesteps = Steps)
    {
        using var scope = NewDisposeScope();
        var main = reference.Value.Tensors("nulltext/inversion_main.safetensors");
        var latents = main.Read("ddim_latents");
        var denoised = reference.Value.Tensors("nulltext/edits.safetensors").Read("recon_null.latents").squeeze(1);
        return new InvertedImage(Settings(new NullTextInversion()), latents, cat([latents.narrow(0, Steps, 1), denoised.narrow(0, 0, timesteps)], 0))
        {
            Unconditional = new Conditioning(InvertedImage.Own(main.Read("uncond_embeddings").view(Steps, 77, 32).narrow(0, 0, timesteps)), null),
            FinishedSteps = timesteps,
        };
    }

    /// <summary>Optimizes one timestep of the published null-text inversion, after the published ones before it.</summary>
    /// <returns>The losses and the embedding, [tokens, width].</returns>
    public (IReadOnlyList<double> Losses, Tensor Embedding) Optimize(int timestep)
    {
        using var earlier = NullText(timestep);
        using var latents = ImageLatents();
        using var stop = new CancellationTokenSource();
        InvertedImage? found = null;
        void Stop(Func<InvertedImage> made)
        {
            found = made();
            stop.Cancel();
        }

        try
        {
            // The last timestep has no checkpoint: the inversion is complete.
            found = InversionMethod.Invert(Model, latents, Settings(new NullTextInversion()), null, Stop, timestep > 0 ? earlier : null, stop.Token);
        }
        catch (OperationCanceledException)
        {
        }

        using (found)
            return (found!.Losses[^1], found.Unconditional!.Text[timestep].clone());
    }

    /// <summary>Edits of an inverted picture; the source has run.</summary>
    internal EditSession Session(string method)
    {
        if (sessions.TryGetValue(method, out var session))
            return session;
        sessions[method] = session = new EditSession(Model, GenerationRequest.Of(Source(method)), ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        return session;
    }

    /// <summary>The source of edits: null-text inversion as published, the others computed.</summary>
    public InvertedImage Source(string method) => method == "null-text" ? nullText ??= NullText() : Invert(InversionMethod.Named(method));

    private Tensor ImageLatents() => reference.Value.Tensors("nulltext/inversion_main.safetensors").Read("vae_latent");

    private static InversionSettings Settings(InversionMethod method) =>
        new() { Method = method, Prompt = "a cat sitting next to a mirror", Sampling = new() { Steps = Steps, StepsOffset = 0 } };

    public void Dispose()
    {
        foreach (var session in sessions.Values)
            session.Dispose();
        foreach (var found in made.Values)
            found.Dispose();
        nullText?.Dispose();
        if (reference.IsValueCreated)
            reference.Value.Dispose();
    }
}
