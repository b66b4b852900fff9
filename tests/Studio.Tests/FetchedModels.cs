using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Tests;

/// <summary>A hub with the small model, <c>owner/model</c>, and a cache for what a studio fetches from it.</summary>
internal sealed class FetchedModels : IAsyncDisposable
{
    public const string Model = "owner/model";

    private readonly TemporaryFolder cache = new();

    public HubServer Hub { get; } = HubServer.Start(Model).AddFolder(TinyModel.Shared.Folder);

    /// <summary>Publishes the weights also as a variant.</summary>
    public void AddVariant(string variant)
    {
        foreach (var path in Directory.GetFiles(TinyModel.Shared.Folder, "*.safetensors", SearchOption.AllDirectories))
            Hub.Add(Path.ChangeExtension(Path.GetRelativePath(TinyModel.Shared.Folder, path), $".{variant}.safetensors"), File.ReadAllBytes(path), isLarge: true);
    }

    /// <summary>The directory of the model in the cache.</summary>
    public string Snapshot => Directory.GetDirectories(cache.Path, "*", SearchOption.AllDirectories).Single(path => Path.GetFileName(Path.GetDirectoryName(path)) == "snapshots");

    /// <summary>Bytes in the cache.</summary>
    public long CachedBytes => new DirectoryInfo(cache.Path).EnumerateFiles("*", SearchOption.AllDirectories).Where(file => file.LinkTarget is null).Sum(file => file.Length);

    /// <summary>A studio that fetches from this hub.</summary>
    public Task<TestStudio> Studio(string? folder = null, Func<StudioOptions, StudioOptions>? change = null) => TestStudio.Start(folder, options => (change?.Invoke(options) ?? options) with
    {
        Hub = new HubSettings(name => name switch { "HF_ENDPOINT" => Hub.Address.ToString(), "HF_HUB_CACHE" => cache.Path, "HF_HOME" => cache.Path, _ => null }),
        OfferFetched = fetched => new OfferedModel(fetched.Name, () => StableDiffusionModel.Load(fetched.Directory, options: new() { Variant = fetched.Variant })) { Files = [fetched.Directory] },
    });

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        cache.Dispose();
    }
}
