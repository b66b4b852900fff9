using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

/// <summary>A hub with one repository, and what it takes to pull it into an empty cache.</summary>
public abstract class PullingTests : IAsyncDisposable
{
    private protected const string Weights = "unet/diffusion_pytorch_model.safetensors";
    private protected const string HalfWeights = "unet/diffusion_pytorch_model.fp16.safetensors";
    private protected const string Index = "model_index.json";
    private protected readonly TemporaryFolder folder = new();
    private protected readonly HubServer hub = HubServer.Start();
    private protected readonly byte[] content = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * i >> 3))];
    private protected readonly Dictionary<string, string?> environment;
    private protected readonly List<TimeSpan> waits = [];
    private protected readonly PullRequest request = new(HubRepository.Parse("owner/model"));

    protected PullingTests()
    {
        environment = new() { ["HF_ENDPOINT"] = hub.Address.ToString(), ["HF_HOME"] = folder["hf"] };
        hub.Add(Index, """{"_class_name": "StableDiffusionPipeline"}""")
            .Add("README.md", "not needed")
            .Add("tokenizer/vocab.json", "{}")
            .Add("tokenizer/merges.txt", "#version: 0.2")
            .Add("unet/config.json", "{\"unet\": 1}")
            .Add(Weights, content, isLarge: true)
            .Add(HalfWeights, content[..1000], isLarge: true)
            .Add("unet/diffusion_pytorch_model.bin", content[..5], isLarge: true)
            .Add("safety_checker/model.safetensors", content[..10], isLarge: true)
            .Add("model.ckpt", content[..20], isLarge: true);
    }

    private protected string Cache => Path.Combine(folder["hf"], "hub", "models--owner--model");

    private protected string Part => Path.Combine(Cache, "blobs", hub.HashOf(Weights) + ".incomplete");

    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync();
        folder.Dispose();
    }

    private protected static void Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private protected static IEnumerable<string> Names(PulledModel pulled) => pulled.Files.Order(StringComparer.Ordinal);

    private protected Task<PulledModel> PullAsync(
        PullRequest? what = null, long free = long.MaxValue, IProgress<PullProgress>? progress = null, Func<TimeSpan, CancellationToken, Task>? wait = null,
        CancellationToken cancellationToken = default)
    {
        var pull = new ModelPull(new HubSettings(environment.GetValueOrDefault)) { FreeSpace = _ => free, Wait = wait ?? Remember };
        return pull.RunAsync(what ?? request, progress, cancellationToken);
    }

    private protected async Task<string> FailureAsync(PullRequest? what = null, long free = long.MaxValue) =>
        (await Assert.ThrowsAsync<InvalidInputException>(() => PullAsync(what, free))).Message;

    private Task Remember(TimeSpan wait, CancellationToken cancellationToken)
    {
        waits.Add(wait);
        return Task.CompletedTask;
    }

    private protected sealed class Notes(List<string> notes, Action<PullProgress>? seen = null) : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
            notes.Add(value.Note);
            seen?.Invoke(value);
        }
    }
}
