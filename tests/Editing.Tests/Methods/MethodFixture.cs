using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>A small model with noise and an inverted picture, and runs that the tests of methods compare.</summary>
public sealed class MethodFixture : IDisposable
{
    internal const int Steps = 5;
    internal const double Guidance = 4;
    internal const string Prompt = "a red house in a field", Target = "a blue castle in a field";

    // Maps of 16×16 positions.
    private const int Side = 64;

    private readonly TinyModel small = new();
    private InvertedImage? inverted;

    public MethodFixture() => Noise = InitialNoise.FromSeed(Model, 3, Side, Side).DetachFromDisposeScope();

    public StableDiffusionModel Model => small.Model;

    public Tensor Noise { get; }

    internal static PlainMethod Plain => new(Prompt, Target, Steps, Guidance);

    internal static EditRequest Free => new() { Prompts = [Target], CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };

    internal GenerationRequest Drawn => new()
    {
        Prompt = Prompt,
        Sampling = new() { Steps = Steps, Guidance = Guidance, Scheduler = SchedulerKind.Ddim },
        InitialLatents = Noise,
    };

    /// <summary>Some latents as a given image, inverted directly.</summary>
    internal InvertedImage Inverted
    {
        get
        {
            using var picture = Noise / 2;
            return inverted ??= InversionMethod.Invert(
                Model, picture, new() { Method = new DirectInversion(), Prompt = Prompt, Sampling = new() { Steps = Steps, Guidance = Guidance } });
        }
    }

    internal Tensor Edit(GenerationRequest source, EditRequest edit)
    {
        using var result = EditRun.Execute(Model, source, edit);
        return result.Latents.narrow(0, 1, 1).clone();
    }

    public void Dispose()
    {
        inverted?.Dispose();
        Noise.Dispose();
        small.Dispose();
    }
}
