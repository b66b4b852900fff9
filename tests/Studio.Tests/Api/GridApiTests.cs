using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Studio.Tests.Api;

[Trait("Category", "Slow")]
public sealed class GridApiTests(SharedStudio shared)
{
    private static readonly object House = new { prompt = "a white house in a field", seed = 4, guidance = 5, steps = 2 };

    [Fact]
    public async Task AGridMakesEachEditOnceAndKeepsThemInTheProject()
    {
        await using var studio = await TestStudio.Start();
        var (project, source, edit) = await Begin(studio);
        var grid = await Make(studio, project, new { version = edit, columns = "crossSteps=0,0.8", rows = "weight:red=1,2" });
        Assert.Equal(["source", "words 0", "words 0.8"], Texts(grid["columns"]!));
        Assert.Equal(["red 1", "red 2"], grid["rows"]!.AsArray().Select(row => (string)row!["label"]!));
        var rows = grid["rows"]!.AsArray().Select(row => Texts(row!["versions"]!).ToList()).ToList();
        Assert.All(rows, row => Assert.Equal(source, row[0]));
        // The edit that the grid began with is one of its cells.
        Assert.Equal(edit, rows[0][2]);
        Assert.Equal(5, studio.Store.Versions(project).Count);
        var session = Assert.Single((await TestStudio.Json(await studio.Http.GetAsync("/api/sessions"))).AsArray());
        Assert.Equal(source, (string?)session!["versions"]![0]);

        var png = await studio.Http.GetAsync($"/api/grids/{grid["id"]}.png");
        Assert.Equal("image/png", png.Content.Headers.ContentType!.MediaType);
        Assert.Single((await TestStudio.Json(await studio.Http.GetAsync($"/api/projects/{project}/grids"))).AsArray());
        Assert.Equal(HttpStatusCode.NoContent, (await studio.Http.DeleteAsync($"/api/grids/{grid["id"]}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await studio.Http.GetAsync($"/api/grids/{grid["id"]}")).StatusCode);
        Assert.Equal(5, studio.Store.Versions(project).Count);
    }

    [Fact]
    public async Task OtherSeedsAreOtherSourcesAtTheTop()
    {
        var studio = shared.Studio;
        var (project, source, edit) = await Begin(studio);
        var grid = await Make(studio, project, new { version = edit, columns = "seed=4,5,6" });
        var rows = grid["rows"]!.AsArray();
        Assert.Equal(["source", "edit"], rows.Select(row => (string)row!["label"]!));
        Assert.Equal(source, (string?)rows[0]!["versions"]![0]);
        var sources = Texts(rows[0]!["versions"]!).ToList();
        var edits = Texts(rows[1]!["versions"]!).Select(id => studio.Store.Version(id!)).ToList();
        Assert.Equal(sources, edits.Select(version => version.Parent));
        Assert.All(edits, version => Assert.Equal("a red house in a field", version.Recipe.Prompt));
    }

    [Fact]
    public async Task AnImpossibleGridIsRefusedBeforeItBegins()
    {
        var studio = shared.Studio;
        var (project, _, edit) = await Begin(studio);
        foreach (var (columns, rows, field, problem) in new[]
        {
            ("seed=1,2,3,4,5,6,7,8,9", "steps=1,2,3,4,5,6,7,8", "rows", "72 pictures"),
            ("magic=1,2", "", "columns", "\"magic\" cannot vary"),
            ("crossSteps", "", "columns", "crossSteps=0,0.4,0.8"),
            ("weight:green=1,2", "", "columns", "no word \"green\""),
            ("crossSteps=0", "crossSteps=1", "rows", "the same setting"),
            ("guidance=1,x", "", "columns", "\"x\" is not a value"),
            ("steps=1,0", "", "steps", "out of range"),
        })
        {
            var answer = await studio.Http.PostAsJsonAsync($"/api/projects/{project}/grids", new { version = edit, columns, rows });
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(problem, (string?)(await TestStudio.Json(answer))["errors"]![field]![0], StringComparison.Ordinal);
        }

        Assert.Empty(studio.Store.Grids.Of(project));
    }

    [Fact]
    public async Task AStoppedGridKeepsItsPicturesAndContinues()
    {
        var studio = shared.Studio;
        var (project, _, edit) = await Begin(studio);
        var grid = await TestStudio.Json(await studio.Http.PostAsJsonAsync($"/api/projects/{project}/grids", new { version = edit, columns = "selfSteps=0,0.1,0.2,0.3,0.5,0.6,0.7,0.8" }));
        await studio.Http.DeleteAsync($"/api/grids/{grid["id"]}/run");
        var stopped = await Over(studio, grid);
        Assert.Equal("stopped", (string?)stopped["state"]);
        await studio.Http.PostAsync($"/api/grids/{grid["id"]}/run", null);
        var done = await Over(studio, grid);
        Assert.Equal("done", (string?)done["state"]);
        Assert.Equal(8, (int?)done["made"]);
    }

    private static async Task<(string Project, string Source, string Edit)> Begin(TestStudio studio)
    {
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", House);
        return (project, source, await studio.Make(project, "edit", new { source, prompt = "a red house in a field" }));
    }

    private static async Task<JsonNode> Make(TestStudio studio, string project, object body)
    {
        var answer = await studio.Http.PostAsJsonAsync($"/api/projects/{project}/grids", body);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var grid = await Over(studio, await TestStudio.Json(answer));
        Assert.Equal("done", (string?)grid["state"]);
        return grid;
    }

    private static async Task<JsonNode> Over(TestStudio studio, JsonNode grid)
    {
        await studio.Grids.Find((string)grid["id"]!)!.End;
        return await TestStudio.Json(await studio.Http.GetAsync($"/api/grids/{grid["id"]}"));
    }

    private static IEnumerable<string?> Texts(JsonNode array) => array.AsArray().Select(text => (string?)text);
}
