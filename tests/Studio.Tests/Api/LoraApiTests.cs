using System.Net;
using System.Net.Http.Json;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class LoraApiTests : IDisposable
{
    private readonly LoraFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public async Task AnAddedLoraIsAppliedOnlyWithAWeight()
    {
        await using var studio = await Start();
        var project = await studio.NewProject();
        var before = await studio.Make(project, "generate", House());
        Assert.Equal(HttpStatusCode.Created, (await Add(studio, "style.safetensors", files.Write())).StatusCode);
        var models = (await TestStudio.Json(await studio.Http.GetAsync("/api/models"))).AsArray();
        Assert.Equal("""[{"name":"style","weight":0}]""", models[0]!["loras"]!.ToJsonString());

        // Without a weight, it is the same picture, which can still be edited.
        Assert.Equal(before, await studio.Make(project, "generate", House()));
        await studio.Make(project, "edit", new { source = before, prompt = "a red house in a field" });
        Assert.DoesNotContain("--lora", await studio.Http.GetStringAsync($"/api/versions/{before}/command"), StringComparison.Ordinal);

        var styled = await studio.Make(project, "generate", House("style:1"));
        Assert.NotEqual(studio.Store.Version(before).Picture, studio.Store.Version(styled).Picture);
        Assert.Contains("style.safetensors:1\"", await studio.Http.GetStringAsync($"/api/versions/{styled}/command"), StringComparison.Ordinal);
        // Another one that is added later does not change it.
        Assert.Equal(HttpStatusCode.Created, (await Add(studio, "hat.safetensors", files.Write("hat"))).StatusCode);
        Assert.Equal(styled, await studio.Make(project, "generate", House("style:1.0, hat:0")));
        await studio.Make(project, "edit", new { source = styled, prompt = "a red house in a field" });
    }

    [Fact]
    public async Task ARemovedLoraIsGoneAndAnotherFileMayTakeItsName()
    {
        await using var studio = await Start();
        var project = await studio.NewProject();
        await Add(studio, "style.safetensors", files.Write());
        var first = await studio.Make(project, "generate", House("style:1"));
        Assert.Equal(HttpStatusCode.NoContent, (await studio.Http.DeleteAsync("/api/loras/style")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await studio.Http.DeleteAsync("/api/loras/style")).StatusCode);
        var refused = await studio.Http.PostAsJsonAsync($"/api/projects/{project}/generate", House("style:1"));
        Assert.Equal("The model has no LoRA \"style\". Leave it out.", (string?)(await TestStudio.Json(refused))["errors"]!["loras"]![0]);

        await Add(studio, "style.safetensors", files.Write(strength: -3));
        var second = await studio.Make(project, "generate", House("style:1"));
        Assert.NotEqual(studio.Store.Version(first).Picture, studio.Store.Version(second).Picture);
    }

    [Fact]
    public async Task AFileThatIsNoLoraOfTheModelIsRefusedAndNotKept()
    {
        await using var studio = await Start();
        await Add(studio, "style.safetensors", files.Write());
        var text = Path.ChangeExtension(files.Write("text"), ".txt");
        await File.WriteAllTextAsync(text, "no LoRA");
        foreach (var (name, file, problem) in new[]
        {
            ("style.safetensors", files.Write(), "The model already has a LoRA \"style\". Remove that one first, or rename the file."),
            ("wide.safetensors", files.Write("wide", width: 64), "it was made for another type of model."),
            ("text.safetensors", text, "text"),
            ("text.ckpt", text, "text.ckpt is not a .safetensors file."),
            ("a,b.safetensors", text, "Rename the file"),
            ("../hat.safetensors", files.Write("hat"), "Rename the file"),
        })
        {
            var answer = await Add(studio, name, file);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            var said = (string)(await TestStudio.Json(answer))["errors"]!["loras"]![0]!;
            Assert.Contains(problem, said, StringComparison.Ordinal);
            Assert.DoesNotContain(Path.GetTempPath() + "p2p-studio-", said, StringComparison.Ordinal);
        }

        var other = await studio.Http.PostAsync("/api/loras?file=hat.safetensors&model=none", new ByteArrayContent([]));
        Assert.NotNull((await TestStudio.Json(other))["errors"]!["model"]);
        Assert.Equal(["style.safetensors"], Directory.GetFiles(Path.Combine(studio.Store.Folder, "loras"), "*", SearchOption.AllDirectories).Select(Path.GetFileName));
    }

    [Fact]
    public async Task ALoraIsLargerThanAPictureMayBeButNotWithoutLimit()
    {
        var size = new FileInfo(files.Write()).Length;
        await using var studio = await TestStudio.Start(change: options => options with { Models = [LoraFiles.Model], MaxUploadBytes = size - 1, MaxLoraBytes = size });
        Assert.Equal(HttpStatusCode.Created, (await Add(studio, "style.safetensors", files.Write())).StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await studio.Http.PostAsync("/api/loras?file=large.safetensors", new ByteArrayContent(new byte[size + 1]))).StatusCode);
    }

    private static Task<TestStudio> Start() => TestStudio.Start(change: options => options with { Models = [LoraFiles.Model] });

    private static async Task<HttpResponseMessage> Add(TestStudio studio, string name, string file) =>
        await studio.Http.PostAsync($"/api/loras?file={Uri.EscapeDataString(name)}", new ByteArrayContent(await File.ReadAllBytesAsync(file)));

    private static object House(string? loras = null) => new { prompt = "a white house in a field", seed = 4, steps = 2, loras };
}
