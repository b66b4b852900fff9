using System.Text.Json;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Sessions;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests;

/// <summary>Outputs of the published implementation on small random-weight models, where they lie beside the checkout.</summary>
internal sealed class Reference : IDisposable
{
    private static readonly string? Folder = Find();
    private readonly List<IDisposable> owned = [];

    /// <summary>Skips the test, visibly, where the files are not there.</summary>
    public Reference() => Assert.SkipUnless(Folder is not null, "The reference files are not here (shared/reference beside the checkout, or P2P_REFERENCE).");

    /// <summary>One of the models. All have CLIP's vocabulary; one brings it along.</summary>
    public StableDiffusionModel Model(string name) => Owned(StableDiffusionModel.Load(PathOf(name), options: new ModelLoadOptions
    {
        Tokenizer = File.Exists(Path.Combine(PathOf(name), "tokenizer", "vocab.json")) ? null : PathOf("tiny-sd15"),
    }));

    public SafetensorsFile Tensors(string name) => Owned(SafetensorsFile.Open(PathOf(name)));

    public JsonElement Json(string name) => Owned(JsonDocument.Parse(File.ReadAllText(PathOf(name)))).RootElement;

    /// <summary>A run's trace, by way of its file.</summary>
    public Dictionary<string, Tensor> Trace(EditResult result) => Trace(path => result.SaveTrace(path));

    /// <summary>The same of anything that writes one.</summary>
    public Dictionary<string, Tensor> Trace(Action<string> save)
    {
        var path = Path.Combine(Path.GetTempPath(), $"p2p-trace-{Guid.NewGuid():N}.safetensors");
        save(path);
        var file = Owned(SafetensorsFile.Open(path));
        File.Delete(path);
        return file.Tensors.Keys.ToDictionary(k => k, file.Read);
    }

    public static void AssertClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        var error = (expected - actual).abs().max().ToDouble() / expected.abs().max().ToDouble();
        Assert.True(error < tolerance, $"{what}: relative error {error:E2}");
    }

    public void Dispose() => owned.ForEach(o => o.Dispose());

    private static string PathOf(string name) => Path.Combine(Folder!, name);

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("P2P_REFERENCE") is { Length: > 0 } path)
            return Directory.Exists(path) ? path : null;
        for (var here = new DirectoryInfo(AppContext.BaseDirectory); here is not null; here = here.Parent)
        {
            var candidate = Path.Combine(here.FullName, "shared", "reference");
            if (Directory.Exists(candidate))
                return candidate;
        }

        return null;
    }

    private T Owned<T>(T item)
        where T : IDisposable
    {
        owned.Add(item);
        return item;
    }
}
