using System.Text.Json;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Published.Tests;

/// <summary>Outputs of the published implementation on small random-weight models, where they lie beside the checkout.</summary>
internal sealed class Reference : IDisposable
{
    private readonly List<IDisposable> owned = [];

    /// <summary>Skips the test, visibly, where the files are not there.</summary>
    public Reference() => ReferenceFolder.Require("p2p");

    /// <summary>One of the models. All have CLIP's vocabulary; one brings it along.</summary>
    public StableDiffusionModel Model(string name) => Owned(StableDiffusionModel.Load(PathOf(name), options: new ModelLoadOptions
    {
        Tokenizer = File.Exists(Path.Combine(PathOf(name), "tokenizer", "vocab.json")) ? null : PathOf("tiny-sd15"),
    }));

    internal SafetensorsFile Tensors(string name) => Owned(SafetensorsFile.Open(PathOf(name)));

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

    public void Dispose() => owned.ForEach(o => o.Dispose());

    private static string PathOf(string name) => ReferenceFolder.Require(name);

    private T Owned<T>(T item)
        where T : IDisposable
    {
        owned.Add(item);
        return item;
    }
}
