using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>Request for a grid.</summary>
/// <param name="Version">Id of the edit whose settings vary.</param>
/// <param name="Columns">The setting that varies from left to right, with its values.</param>
/// <param name="Rows">The setting that varies from top to bottom; empty for none.</param>
internal sealed record GridBody([property: JsonRequired] string Version, [property: JsonRequired] string Columns, string Rows = "");

/// <summary>A grid with its pictures.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Project">Id of its project.</param>
/// <param name="Plan">The grid.</param>
/// <param name="State">Whether it is <c>running</c>, <c>stopped</c>, <c>failed</c> or <c>done</c>.</param>
/// <param name="Problem">Why it failed and what to do, or null.</param>
/// <param name="Made">Number of edits that are made.</param>
/// <param name="Count">Number of edits.</param>
/// <param name="Columns">Labels of the columns.</param>
/// <param name="Rows">The rows.</param>
internal sealed record GridAnswer(string Id, string Project, GridPlan Plan, string State, string? Problem, int Made, int Count, IReadOnlyList<string> Columns, IReadOnlyList<GridRowAnswer> Rows);

/// <summary>A row of a grid.</summary>
/// <param name="Label">Its label.</param>
/// <param name="Versions">Ids of its pictures; null for those that are not made.</param>
internal sealed record GridRowAnswer(string Label, IReadOnlyList<string?> Versions);

/// <summary>Grids over HTTP.</summary>
internal static class GridApi
{
    // Photographs are too large for a table.
    private const int Side = 512;

    public static void MapGrids(this IEndpointRouteBuilder api)
    {
        api.MapPost("/projects/{id}/grids", Begin).WithSummary("Makes an edit with one or two of its settings varied.");
        api.MapGet("/projects/{id}/grids", (string id, StudioStore store) => store.Grids.Of(id)).WithSummary("The grids of a project.");
        api.MapGet("/grids/{id}", Find).WithSummary("A grid with its pictures.");
        api.MapGet("/grids/{id}.png", Draw).WithSummary("A grid as one labeled picture.").Produces(200, contentType: "image/png").ProducesProblem(404);
        api.MapPost("/grids/{id}/run", Continue).WithSummary("Makes the missing pictures of a grid.");
        api.MapDelete("/grids/{id}/run", Stop).WithSummary("Stops a grid. Its finished pictures stay.");
        api.MapDelete("/grids/{id}", Delete).WithSummary("Stops and removes a grid. Its pictures stay.");
    }

    private static Results<Accepted<GridAnswer>, ProblemHttpResult> Begin(string id, JsonBody<GridBody> body, StudioStore store, GridMaker grids)
    {
        if (store.FindProject(id) is null)
            return StudioApi.Missing(store, "project", id);
        var version = InvalidInputException.Naming("Version", () => store.Version(body.Value.Version));
        if (version.Recipe is not EditedRecipe edit)
            throw new InvalidInputException("Version", "It is not an edit.", "Use the id of an edit.");
        var grid = grids.Begin(id, new GridPlan { Edit = edit, Columns = body.Value.Columns, Rows = body.Value.Rows });
        return TypedResults.Accepted($"/api/grids/{grid.Id}", Answer(grid, store, grids));
    }

    private static Results<Ok<GridAnswer>, ProblemHttpResult> Find(string id, StudioStore store, GridMaker grids) =>
        store.Grids.Find(id) is { } grid ? TypedResults.Ok(Answer(grid, store, grids)) : StudioApi.Missing(store, "grid", id);

    private static Results<Ok<GridAnswer>, ProblemHttpResult> Continue(string id, StudioStore store, GridMaker grids)
    {
        if (store.Grids.Find(id) is not { } grid)
            return StudioApi.Missing(store, "grid", id);
        grids.Continue(grid);
        return TypedResults.Ok(Answer(grid, store, grids));
    }

    private static Results<Ok<GridAnswer>, ProblemHttpResult> Stop(string id, StudioStore store, GridMaker grids)
    {
        if (store.Grids.Find(id) is not { } grid)
            return StudioApi.Missing(store, "grid", id);
        grids.Find(id)?.Stop();
        return TypedResults.Ok(Answer(grid, store, grids));
    }

    private static Results<NoContent, ProblemHttpResult> Delete(string id, StudioStore store, GridMaker grids)
    {
        if (store.Grids.Find(id) is not { } grid)
            return StudioApi.Missing(store, "grid", id);
        grids.Delete(grid);
        return TypedResults.NoContent();
    }

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> Draw(string id, StudioStore store, StudioOptions options, DecodingGate gate, CancellationToken cancellationToken)
    {
        if (store.Grids.Find(id) is not { } grid || GridTable.Of(grid.Plan, store.Versions(grid.Project)) is not { } table)
            return StudioApi.Missing(store, "grid", id);
        if (table.Rows.SelectMany(row => row.Places).All(place => place.Version is null))
            throw new InvalidInputException("The grid has no picture yet. Ask again later.");
        var pictures = await gate.Run(() => Pictures(table, store), cancellationToken);
        return TypedResults.Bytes(options.DrawTable(pictures), "image/png");
    }

    private static PictureTable Pictures(GridTable table, StudioStore store) => new(
        table.Title, table.Columns, [.. table.Rows.Select(row => (row.Label, (IReadOnlyList<Diffusion.Images.Image?>)[.. row.Places.Select(place => place.Version is { } version ? store.Pictures.ReadWithin(version.Picture, Side) : null)]))]);

    private static GridAnswer Answer(StoredGrid grid, StudioStore store, GridMaker grids)
    {
        var table = GridTable.Of(grid.Plan, store.Versions(grid.Project)) ?? new GridTable("", [], [], 0, 0);
        var run = grids.Find(grid.Id);
        var state = run is { IsOver: false } ? "running" : table.IsComplete ? "done" : run?.Problem is null ? "stopped" : "failed";
        return new(
            grid.Id, grid.Project, grid.Plan, state, run?.Problem, table.Made, table.Count, table.Columns,
            [.. table.Rows.Select(row => new GridRowAnswer(row.Label, [.. row.Places.Select(place => place.Version?.Id)]))]);
    }
}
