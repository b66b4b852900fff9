using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Net.Http.Headers;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>The HTTP interface. Pictures are made by jobs: a request returns at once, and its progress is a stream of events.</summary>
internal static class StudioApi
{
    // Photographs are too large for a grid.
    private const int GridSide = 512;

    /// <summary>Cache header for immutable content.</summary>
    internal const string CacheForever = "private, max-age=31536000, immutable";

    /// <summary>Maps the interface.</summary>
    /// <param name="app">The application.</param>
    /// <param name="hasCluster">Whether it includes the runs of a cluster.</param>
    public static void MapStudioApi(this IEndpointRouteBuilder app, bool hasCluster)
    {
        var api = app.MapGroup("/api").DisableAntiforgery();
        api.MapGet("/studio", About).WithSummary("Models and limits of the studio.");
        api.MapGet("/projects", (StudioStore store, string search = "") => store.Projects(search)).WithSummary("All projects, newest first. With search, those whose name or prompts contain all its words.");
        api.MapPost("/projects", CreateProject).WithSummary("Creates a project.");
        api.MapGet("/projects/{id}", FindProject).WithSummary("A project and its tree of versions.");
        api.MapGet("/projects/{id}/pictures.zip", Zip).WithSummary("All pictures of a project with their recipes.").Produces(200, contentType: "application/zip").ProducesProblem(404);
        api.MapDelete("/projects/{id}", DeleteProject).WithSummary("Deletes a project with all its versions and stops its jobs.");
        api.MapPost("/projects/{id}/generate", Submit<DrawnRecipe>).WithSummary("Makes a picture from a prompt.");
        api.MapPost("/projects/{id}/edit", Submit<EditedRecipe>).WithSummary("Edits a picture by another prompt.");
        api.MapPost("/projects/{id}/invert", Submit<InvertedRecipe>).WithSummary("Inverts an uploaded picture for editing.");
        api.MapPost("/projects/{id}/inpaint", Submit<InpaintedRecipe>).WithSummary("Fills the masked part of a picture.");
        api.MapPost("/pictures", AddPicture).WithSummary("Uploads a picture; the request body is the file.").Accepts<byte[]>("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp");
        api.MapGet("/pictures/{name}.png", FindPicture).WithSummary("A picture; it never changes. With side, it is reduced to that many pixels.").Produces(200, contentType: "image/png").ProducesProblem(404);
        api.MapGet("/jobs", Queue).WithSummary("The running job and the waiting ones, in order.");
        api.MapPut("/jobs/{id}/place", MoveJob).WithSummary("Moves a waiting job among those of its project; 0 is the first.").ProducesProblem(404).ProducesProblem(409);
        api.MapGet("/jobs/{id}", FindJob).WithSummary("State of a job.");
        api.MapDelete("/jobs/{id}", CancelJob).WithSummary("Stops a job.");
        api.MapGet("/jobs/{id}/events", WatchJob).WithSummary("A job's progress as server-sent events, until it ends.").Produces<JobProgress>(200, "text/event-stream").ProducesProblem(404);
        api.MapGet("/jobs/{id}/preview.png", Preview).WithSummary("The latest preview of a job.").Produces(200, contentType: "image/png").ProducesProblem(404);
        api.MapGet("/versions/{id}", FindVersion).WithSummary("A version.");
        api.MapDelete("/versions/{id}", DeleteVersion).WithSummary("Deletes a version and its descendants, and stops jobs that use them.");
        api.MapVersionFiles();
        api.MapGrids();
        api.MapModels();
        api.MapLoras();
        api.MapPresets();
        api.MapWords();
        if (hasCluster)
            api.MapRuns();
        api.MapGet("/sessions", (StudioEngine engine) => engine.Sessions).WithSummary("The recorded sources in memory, most recently used first. Their edits need not run them again.");
        api.MapDelete("/sessions/{key}", FreeSession).WithSummary("Frees the memory of a recorded source, at once or after the running job. The next edit of it runs it again.");
        api.MapGet("/grid.png", Grid).WithSummary("Versions side by side, with captions.").Produces(200, contentType: "image/png");
    }

    private static StudioAnswer About(StudioEngine engine, StudioOptions options) => new(
        engine.Models, Schedulers.All, InversionMethod.Names, options.MaxUploadBytes, options.MaxUploadPixels, options.Limits.QueueLength, engine.Waiting);

    private static Created<Project> CreateProject(JsonBody<ProjectBody> body, StudioStore store)
    {
        var project = store.CreateProject(Names.Project(body.Value.Name));
        return TypedResults.Created($"/api/projects/{project.Id}", project);
    }

    private static Results<Ok<ProjectAnswer>, ProblemHttpResult> FindProject(string id, StudioStore store) => store.FindProject(id) is { } project
        ? TypedResults.Ok(new ProjectAnswer(project, store.Versions(id)))
        : Missing(store, "project", id);

    private static IResult Zip(string id, StudioStore store, StudioEngine engine, HttpContext context)
    {
        if (store.FindProject(id) is not { } project)
            return Missing(store, "project", id);
        // The ends of its entries are written synchronously, a few bytes each.
        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        return TypedResults.Stream(output => ProjectZip.Write(project, store, engine, output, context.RequestAborted), "application/zip", $"{ProjectZip.NameOf(project.Name, "project")}.zip");
    }

    private static Results<NoContent, ProblemHttpResult> DeleteProject(string id, StudioEngine engine, StudioStore store) =>
        engine.DeleteProject(id) ? TypedResults.NoContent() : Missing(store, "project", id);

    private static Results<NoContent, ProblemHttpResult> DeleteVersion(string id, StudioEngine engine, StudioStore store) =>
        engine.DeleteVersion(id) ? TypedResults.NoContent() : Missing(store, "version", id);

    private static Accepted<JobAnswer> Submit<T>(string id, JsonBody<T> recipe, StudioEngine engine, string? parent = null)
        where T : Recipe
    {
        var job = engine.Submit(id, parent, recipe.Value);
        return TypedResults.Accepted($"/api/jobs/{job.Id}", JobAnswer.Of(job));
    }

    private static async Task<Created<PictureAnswer>> AddPicture(HttpRequest request, StudioStore store, StudioEngine engine, StudioOptions options, DecodingGate gate, CancellationToken cancellationToken)
    {
        var (png, size, settings) = await Uploads.Read(request.Body, options, gate, file => SettingsReader.Read(file, engine.Models, store.Pictures.Has, engine.Catalog.LorasOf), cancellationToken);
        var name = store.Pictures.Add(png, size);
        return TypedResults.Created($"/api/pictures/{name}.png", new PictureAnswer(name, size.Width, size.Height, settings));
    }

    private static async Task<IResult> FindPicture(string name, StudioStore store, StudioEngine engine, DecodingGate gate, HttpContext context, int? side = null)
    {
        Diffusion.InvalidInputException.Require(side is null or > 0, "Side", $"{side} is out of range.", "Use 1 or more.");
        if (store.Pictures.FindPng(name) is not { } png)
            return Missing(store, "picture", name);
        // The name is a hash of the content, so a cached copy is valid.
        var tag = new EntityTagHeaderValue(side is null ? $"\"{name}\"" : $"\"{name}-{side}\"");
        context.Response.Headers.CacheControl = CacheForever;
        if (store.Pictures.SizeOf(name) is var size && side < Math.Max(size.Width, size.Height))
            return TypedResults.Bytes(await gate.Run(() => Reduced(png, side.Value), context.RequestAborted), "image/png", entityTag: tag);
        // The name identifies the pixels; a downloaded file also gets its record.
        var file = store.FindShowing(name) is { } version ? PngText.AddTo(png, RunRecord.Texts(version, store.Version, engine.Catalog.ArgumentsOf)) : png;
        return TypedResults.Bytes(file, "image/png", entityTag: tag);
    }

    private static byte[] Reduced(byte[] png, int side)
    {
        using var file = ImageFile.Open(new MemoryStream(png), "The picture");
        return file.ToPng(side, out _);
    }

    private static Results<Ok<JobAnswer>, ProblemHttpResult> FindJob(string id, StudioEngine engine) =>
        engine.Find(id) is { } job ? TypedResults.Ok(JobAnswer.Of(job)) : Missing("job", id);

    private static IEnumerable<JobAnswer> Queue(StudioEngine engine) => new[] { engine.RunningJob }.OfType<Job>().Concat(engine.WaitingJobs).Select(JobAnswer.Of).ToList();

    private static Results<Ok<JobAnswer>, ProblemHttpResult> MoveJob(string id, JsonBody<PlaceBody> body, StudioEngine engine)
    {
        if (engine.Find(id) is not { } job)
            return Missing("job", id);
        return engine.Move(job, body.Value.Place) ? TypedResults.Ok(JobAnswer.Of(job))
            : TypedResults.Problem(statusCode: StatusCodes.Status409Conflict, title: $"The job \"{id}\" no longer waits. Only waiting jobs can be moved.");
    }

    private static Results<Ok<JobAnswer>, ProblemHttpResult> CancelJob(string id, StudioEngine engine)
    {
        if (engine.Find(id) is not { } job)
            return Missing("job", id);
        job.Cancel();
        return TypedResults.Ok(JobAnswer.Of(job));
    }

    private static IResult WatchJob(string id, StudioEngine engine, IHostApplicationLifetime host, CancellationToken cancellationToken) =>
        engine.Find(id) is { } job ? TypedResults.ServerSentEvents(Events(job, host.ApplicationStopping, cancellationToken)) : Missing("job", id);

    // An open event stream must not delay shutdown.
    private static async IAsyncEnumerable<SseItem<JobProgress>> Events(Job job, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        await foreach (var progress in job.Watch(either.Token))
            yield return new(progress, progress.IsOver ? "over" : "progress");
    }

    // If the job is done, return its picture instead of the preview.
    private static IResult Preview(string id, StudioEngine engine, StudioStore store, HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (engine.Find(id)?.Progress.Version is { } done && store.FindVersion(done) is { } version)
            return TypedResults.Redirect($"/api/pictures/{version.Picture}.png");
        return engine.Find(id)?.Preview is { } png ? TypedResults.Bytes(png, "image/png") : Missing("preview of a job", id);
    }

    private static Results<Ok<PictureVersion>, ProblemHttpResult> FindVersion(string id, StudioStore store) =>
        store.FindVersion(id) is { } version ? TypedResults.Ok(version) : Missing(store, "version", id);

    private static Results<NoContent, ProblemHttpResult> FreeSession(string key, StudioEngine engine) =>
        engine.FreeSession(key) ? TypedResults.NoContent() : Missing("recorded session", key);

    private static async Task<FileContentHttpResult> Grid(string versions, StudioStore store, StudioOptions options, DecodingGate gate, CancellationToken cancellationToken)
    {
        var ids = versions.Split(',', StringSplitOptions.RemoveEmptyEntries);
        if (ids.Length == 0)
            throw new Diffusion.InvalidInputException("Versions", "No version is given.", "Use comma-separated ids.");
        if (ids.Length > Names.MaxInGrid)
            throw new Diffusion.InvalidInputException("Versions", $"{ids.Length} versions are given.", $"Use at most {Names.MaxInGrid}.");
        var found = ids.Select(store.Version).ToList();
        var grid = await gate.Run(
            () => options.DrawGrid(found.ConvertAll(version => (store.Pictures.ReadWithin(version.Picture, GridSide), version.Recipe.Prompt))), cancellationToken);
        return TypedResults.Bytes(grid, "image/png");
    }

    // Deleted things are named by more than their ids.
    internal static ProblemHttpResult Missing(StudioStore store, string kind, string id) => NotFound(store.DescribeMissing(kind, id));

    internal static ProblemHttpResult Missing(string kind, string id) => NotFound($"There is no {kind} \"{id}\".");

    private static ProblemHttpResult NotFound(string title) => TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, title: title);
}
