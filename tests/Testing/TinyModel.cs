using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Testing;

/// <summary>
/// A model of the form of Stable Diffusion 1 with random weights and the words of the embedded one, for tests that compare runs with one
/// another: they take a tenth of the time.
/// </summary>
public class TinyModel : IDisposable
{
    // With initial weights every position looks at all words alike, and an edit of the attention would change next to nothing.
    private const float Sharpness = 8;

    private static readonly Lazy<TinyModel> OfTheProcess = new(() =>
    {
        var small = new TinyModel();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => small.Dispose();
        return small;
    });

    private readonly TemporaryFolder folder = new();
    private readonly Lazy<StableDiffusionModel> model;

    public TinyModel()
        : this(Form)
    {
    }

    /// <param name="form">The config for a number of tokens.</param>
    /// <param name="seed">Seed of the weights.</param>
    private protected TinyModel(Func<int, ModelConfig> form, ulong seed = 1)
    {
        folder.Copy(Path.Combine(EmbeddedModel.Folder(), "tokenizer"), "tokenizer");
        RandomModel.Write(folder.Path, form(StableDiffusionModel.LoadTokenizer(EmbeddedModel.Folder()).VocabularySize), ScalarType.Float32, seed);
        Sharpen(folder["unet/diffusion_pytorch_model.safetensors"]);
        model = new(() => StableDiffusionModel.Load(Folder));
    }

    /// <summary>One for all tests of a process, which load it from its folder.</summary>
    public static TinyModel Shared => OfTheProcess.Value;

    /// <summary>One with other weights.</summary>
    public static TinyModel Seeded(ulong seed) => new(Form, seed);

    /// <summary>One in the form of a latent consistency model, whose U-Net takes guidance as an input.</summary>
    public static TinyModel Distilled() => new(tokens =>
    {
        var form = Form(tokens);
        return form with { UNet = form.UNet with { GuidanceWidth = 16 }, Scheduler = form.Scheduler with { ClassName = "LCMScheduler" } };
    });

    public string Folder => folder.Path;

    public StableDiffusionModel Model => model.Value;

    public void Dispose()
    {
        if (model.IsValueCreated)
            Model.Dispose();
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private static ModelConfig Form(int tokens)
    {
        var sd = ModelConfig.StableDiffusion15;
        return sd with
        {
            UNet = sd.UNet with { Levels = [new(32, 2, true, true, 1), new(64, 4, true, true, 1)], LayersPerBlock = 1, CrossAttentionDim = 32, SampleSize = 8 },
            TextEncoder = sd.TextEncoder with { VocabularySize = tokens, HiddenSize = 32, IntermediateSize = 64, Heads = 2, Layers = 2 },
            Vae = sd.Vae with { Channels = [32, 32, 32], LayersPerBlock = 1 },
            Scheduler = sd.Scheduler with { ClassName = "DDIMScheduler" },
        };
    }

    private static void Sharpen(string path)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> weights;
        using (var file = SafetensorsFile.Open(path))
            weights = file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name) * (name.EndsWith("to_q.weight", StringComparison.Ordinal) ? Sharpness : 1));
        SafetensorsWriter.Write(path, weights);
    }
}
