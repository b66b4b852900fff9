using System.Net;
using System.Net.Http.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;
using PromptToPrompt.Studio.Tests.Store;

namespace PromptToPrompt.Studio.Tests.Hosting;

[Trait("Category", "Slow")]
public sealed class FullDiskTests
{
    private static readonly object House = new { prompt = "a white house in a field", seed = 4, guidance = 5, steps = 2 };

    [Fact]
    public async Task PicturesCanBeReadAndDeletedAndNewOnesAreRefused()
    {
        using var disk = SmallDisk.Mount(24);
        await using var studio = await TestStudio.Start(Path.Combine(disk.Path, "data"));
        var http = studio.Http;
        var (project, other) = (await studio.NewProject(), await studio.NewProject());
        var source = await studio.Make(project, "generate", House);
        await studio.Make(project, "edit", new { source, prompt = "a red house in a field" });
        await studio.Make(other, "generate", new { prompt = "a house", steps = 1 });
        disk.Fill();

        foreach (var answer in new[]
        {
            await http.PostAsJsonAsync("/api/projects", new { name = "Another" }),
            await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", steps = 1 }),
            await http.PostAsync("/api/pictures", new ByteArrayContent(TestStudio.Painted(300, 300))),
        })
        {
            Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
            Assert.Contains("disk", (string?)(await TestStudio.Json(answer))["title"], StringComparison.Ordinal);
            Assert.Contains("Delete", (string?)(await TestStudio.Json(answer))["title"], StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health")).StatusCode);
        var picture = (string?)(await TestStudio.Json(await http.GetAsync($"/api/versions/{source}")))["picture"];
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"/api/pictures/{picture}.png")).StatusCode);

        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/versions/{source}")).StatusCode);
        Assert.Empty(studio.Store.Versions(project));
        await studio.Make(other, "generate", new { prompt = "a tree", steps = 1 });
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);

        disk.Fill();
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/projects/{other}")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await http.PostAsJsonAsync("/api/projects", new { name = "Another" })).StatusCode);
    }

    [Fact]
    public async Task AStudioStartsOnAFullDiskAndMakesRoom()
    {
        using var disk = SmallDisk.Mount(24);
        var data = Path.Combine(disk.Path, "data");
        string project, source;
        await using (var before = await TestStudio.Start(data))
        {
            project = await before.NewProject();
            source = Grain(before.Store, project);
        }

        disk.Fill();
        for (var start = 0; start < 2; start++)
        {
            await using var full = await TestStudio.Start(data);
            Assert.Equal(source, full.Store.Versions(project).Single().Id);
        }

        await using var after = await TestStudio.Start(data);
        Assert.Equal(HttpStatusCode.NoContent, (await after.Http.DeleteAsync($"/api/projects/{project}")).StatusCode);
        await after.Make(await after.NewProject(), "generate", House);
    }

    [Fact]
    public void DeletedPicturesThatCouldBeBroughtBackGiveWayToNewData()
    {
        using var disk = SmallDisk.Mount(24);
        using var store = Open(disk, out var project);
        var grain = Grain(store, project);
        store.Trash(project, [grain]);
        disk.Fill();
        Assert.NotNull(store.FindProject(store.CreateProject("Another").Id));
        Assert.Empty(store.Trashed([grain]));
        disk.Fill();
        Assert.Throws<DiskFullException>(() => store.CreateProject("A third"));
    }

    [Fact]
    public void AVersionIsNotMadeOfADeletedPictureThatGivesWayToIt()
    {
        using var disk = SmallDisk.Mount(24);
        using var store = Open(disk, out var project);
        var grain = store.Version(Grain(store, project));
        Assert.Equal(grain.Picture, store.AddMadeVersion(project, null, grain.Recipe, "grain")!.Picture);
        store.Trash(project, [.. store.Versions(project).Select(version => version.Id)]);
        disk.Fill();
        Assert.Null(store.AddMadeVersion(project, null, grain.Recipe, "grain"));
        Assert.False(store.Pictures.Has(grain.Picture));
        Assert.Empty(store.Versions(project));
    }

    [Fact]
    public void PicturesComeBackOnAFullDisk()
    {
        using var disk = SmallDisk.Mount(24);
        using var store = Open(disk, out var project);
        var grain = Grain(store, project);
        store.Trash(project, [grain]);
        disk.Fill();
        Assert.Equal([grain], store.Restore(project, [grain]));
        Assert.Equal(grain, Assert.Single(store.Versions(project)).Id);
    }

    [Fact]
    public async Task AJobThatFindsTheDiskFullSaysSo()
    {
        using var disk = SmallDisk.Mount(24);
        await using var studio = await TestStudio.Start(Path.Combine(disk.Path, "data"));
        var project = await studio.NewProject();
        var job = await studio.Post(project, "generate", new { prompt = "a house", steps = 30 });
        disk.Fill();
        var over = await studio.Over(job);
        Assert.Equal("failed", (string?)over["state"]);
        Assert.Contains("disk", (string?)over["problem"], StringComparison.Ordinal);
        Assert.DoesNotContain("SQLite", (string?)over["problem"], StringComparison.Ordinal);
    }

    private static StudioStore Open(SmallDisk disk, out string project)
    {
        var store = new StudioStore(Path.Combine(disk.Path, "data"), TimeProvider.System);
        project = store.CreateProject("A test").Id;
        return store;
    }

    // A version with a picture of a megabyte.
    private static string Grain(StudioStore store, string project)
    {
        var rgb = new byte[600 * 600 * Image.Channels];
        new Random(1).NextBytes(rgb);
        return store.AddVersion(project, null, new DrawnRecipe { Prompt = "grain" }, "grain", store.Pictures.Add(new Image(600, 600, rgb)), new VersionFacts(), null).Id;
    }
}
