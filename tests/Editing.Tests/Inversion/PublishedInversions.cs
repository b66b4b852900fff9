using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>The inversions that the reference files have and the sources of their edits, made once for all tests of a class.</summary>
public sealed class PublishedInversions : IDisposable
{
    // Opened by the first test that runs: a fixture cannot skip where the files are not there, a test can.
    private readonly Lazy<Reference> reference = new(() => new Reference());
    private StableDiffusionModel? model;
    private readonly Dictionary<InversionSettings, InvertedImage> made = [];
    private readonly Dictionary<string, EditSession> sessions = [];

    public StableDiffusionModel Model => model ??= reference.Value.Model("tiny-sd15");

    public InvertedImage Invert(string method, int innerSteps = 10, double earlyStop = 1e-5)
    {
        var settings = new InversionSettings
        {
            Method = method == "null-text" ? new NullTextInversion { InnerSteps = innerSteps, EarlyStop = earlyStop } : InversionMethod.Named(method),
            Prompt = "a cat sitting next to a mirror",
            Sampling = new() { Steps = 5, StepsOffset = 0 },
        };
        if (made.TryGetValue(settings, out var found))
            return found;
        using var latents = reference.Value.Tensors("nulltext/inversion_main.safetensors").Read("vae_latent");
        return made[settings] = InversionMethod.Invert(Model, latents, settings);
    }

    /// <summary>Edits of an inverted picture; the source has run.</summary>
    internal EditSession Session(string method)
    {
        if (sessions.TryGetValue(method, out var session))
            return session;
        sessions[method] = session = new EditSession(Model, GenerationRequest.Of(Invert(method)));
        session.RunSource().Dispose();
        return session;
    }

    public void Dispose()
    {
        foreach (var session in sessions.Values)
            session.Dispose();
        foreach (var found in made.Values)
            found.Dispose();
        if (reference.IsValueCreated)
            reference.Value.Dispose();
    }
}
