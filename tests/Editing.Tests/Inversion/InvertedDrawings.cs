using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>Inversions of one small picture, made once for all tests of a class.</summary>
public class InvertedDrawings : IDisposable
{
    private readonly Dictionary<InversionSettings, InvertedImage> made = [];
    private readonly IDisposable owner;

    public InvertedDrawings()
        : this(new TinyModel())
    {
    }

    private protected InvertedDrawings(StableDiffusionModel model, int side, IDisposable? owner = null)
    {
        (Model, this.owner) = (model, owner ?? model);
        Image = new Image(side, side, [.. Enumerable.Range(0, side * side).SelectMany(i => Pixel((double)(i % side) / side, (double)(i / side) / side))]);
        Latents = Model.Vae.EncodeImage(Image).DetachFromDisposeScope();
    }

    private InvertedDrawings(TinyModel small)
        : this(small.Model, small.Model.ImageSide, small)
    {
    }

    public StableDiffusionModel Model { get; }

    /// <summary>A red box on green ground under a blue sky.</summary>
    public Image Image { get; }

    public Tensor Latents { get; }

    internal static InversionSettings Settings(string method) => new()
    {
        Method = method == "null-text" ? new NullTextInversion { InnerSteps = 3 } : InversionMethod.Named(method),
        Prompt = "a red house in a field",
        Sampling = new() { Steps = 6, Guidance = 4 },
    };

    internal InvertedImage Invert(InversionSettings settings)
    {
        if (!made.TryGetValue(settings, out var found))
            made[settings] = found = InversionMethod.Invert(Model, Latents, settings);
        return found;
    }

    /// <summary>Where an edit ends whose prompt is the source's own: what the sampling itself retraces.</summary>
    public Tensor Retrace(InvertedImage found, double? guidance = null) => Edit(found, found.Settings.Prompt, guidance);

    /// <summary>Where an edit ends that has no attention control.</summary>
    public Tensor Edit(InvertedImage found, string target, double? guidance = null)
    {
        var source = GenerationRequest.Of(found);
        var edit = new EditRequest { Prompts = [target], CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };
        using var result = EditRun.Execute(Model, source with { Sampling = source.Sampling with { Guidance = guidance ?? source.Sampling.Guidance } }, edit);
        return result.Latents.narrow(0, 1, 1).clone();
    }

    public void Dispose()
    {
        foreach (var found in made.Values)
            found.Dispose();
        Latents.Dispose();
        owner.Dispose();
        GC.SuppressFinalize(this);
    }

    private static byte[] Pixel(double x, double y) => (x, y) switch
    {
        ( > 0.3 and < 0.7, > 0.4 and < 0.8) => [200, 40, 40],
        (_, > 0.6) => [60, (byte)(140 + (60 * x)), 60],
        _ => [(byte)(120 + (80 * y)), 180, 230],
    };
}
