using System.Text.Json;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>The real command against a hub on this machine: pull, use, list, remove.</summary>
[Trait("Category", "Process")]
public sealed class ModelsOfTheHubTests : IAsyncDisposable
{
    private const string Name = "owner/model";
    private readonly TemporaryFolder folder = new();
    private readonly HubServer hub = HubServer.Start(Name, revision: "v1");
    private readonly Dictionary<string, string> environment;

    public ModelsOfTheHubTests() => environment = new()
    {
        ["HF_ENDPOINT"] = hub.Address.ToString(),
        ["HF_HOME"] = folder["hf"],
        ["HF_HUB_CACHE"] = "",
        ["HF_TOKEN"] = "hf_secret",
    };

    [Fact]
    public void APulledModelMakesTheImagesOfTheOriginal()
    {
        var storybook = EmbeddedModel.Folder();
        hub.AddFolder(storybook).Add("unet/diffusion_pytorch_model.bf16.safetensors", [1, 2, 3], isLarge: true);
        Assert.Contains($"p2p models pull {Name}", P2P.RunIn(environment, "tokens", "a ball", "--model", Name).FailedWith(2));
        using var pulled = JsonDocument.Parse(P2P.RunIn(environment, "models", "pull", Name, "--revision", "v1", "--json").Succeeded());
        Assert.Equal(HubServer.Commit, pulled.RootElement.GetProperty("commit").GetString());
        var again = P2P.RunIn(environment, "models", "pull", Name, "--revision", "v1");
        Assert.Contains("0 bytes of it new", again.Succeeded());
        Assert.DoesNotContain("hf_secret", again.Output + again.Error);

        string[] run = ["generate", "a red ball", "--steps", "2", "--size", "64x64", "--quiet", "--model"];
        P2P.RunIn(environment, [.. run, $"{Name}@v1", "-o", folder["pulled"]]).Succeeded();
        InProcess.Run([.. run, storybook, "-o", folder["original"]]).Succeeded();
        Assert.Equal(Image.Load(Path.Combine(folder["original"], "source.png")).Rgb, Image.Load(Path.Combine(folder["pulled"], "source.png")).Rgb);

        using var list = JsonDocument.Parse(P2P.RunIn(environment, "models", "list", "--json").Succeeded());
        var models = list.RootElement.GetProperty("models").EnumerateArray().ToDictionary(model => model.GetProperty("name").GetString()!);
        Assert.Equal($"v1, {HubServer.Commit[..8]}", models[Name].GetProperty("revision").GetString());
        Assert.Equal(pulled.RootElement.GetProperty("bytes").GetInt64(), models[Name].GetProperty("bytes").GetInt64());
        Assert.Equal(models["storybook"].GetProperty("family").GetString(), models[Name].GetProperty("family").GetString());

        Assert.Contains("--yes", P2P.RunIn(environment, "models", "remove", Name).Error);
        P2P.RunIn(environment, "models", "remove", Name, "--revision", "v1", "--yes").Succeeded();
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder["hf"], "hub"), "models--*"));
        Assert.Contains("not in the cache", P2P.RunIn(environment, "models", "remove", Name, "--yes").FailedWith(2));
    }

    [Fact]
    public void ErrorsAreOneLine()
    {
        hub.Add("model.safetensors", [1, 2, 3], isLarge: true);
        hub.FalseSizes["model.safetensors"] = 1L << 60;
        Assert.Contains("Free some space", P2P.RunIn(environment, "models", "pull", Name, "--revision", "v1", "--file", "model.safetensors").FailedWith(2));
        Assert.Contains("--file: owner/model is not a model directory: it has no model_index.json. Download one of its files instead: model.safetensors.", P2P.RunIn(environment, "models", "pull", Name, "--revision", "v1").FailedWith(2));
        Assert.Contains("no revision", P2P.RunIn(environment, "models", "pull", Name).FailedWith(2));
        Assert.Contains("no model owner/other", P2P.RunIn(environment, "models", "pull", "owner/other").FailedWith(2));
        Assert.Contains("OWNER/NAME", P2P.RunIn(environment, "models", "pull", "other").FailedWith(2));
    }

    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync();
        folder.Dispose();
    }
}
