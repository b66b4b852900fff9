using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
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

/// <summary>The HTTP interface. Pictures are made by jobs: a request for one is answered at once, its progress is a stream of events.</summary>
internal static class StudioApi
{
    /// <summary>What never changes may be kept for good by the one who asked.</summary>
    internal const string ForGood = "private, max-age=31536000, immutable";

    public static void MapStudioApi(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/api").DisableAntiforgery();
        api.MapGet("/studio", About).WithSummary("What the studio offers.");
        api.MapGet("/projects", (StudioStore store) => store.Projects()).WithSummary("All projects, the newest first.");
        api.MapPost("/projects", CreateProject).WithSummary("Begins a project.");
        api.MapGet("/projects/{id}", FindProject).WithSummary("A project and its tree of versions.");
        api.MapDelete("/projects/{id}", DeleteProject).WithSummary("Deletes a project with all its versions, and stops what is being made for it.");
        api.MapPost("/projects/{id}/generate", Submit<DrawnRecipe>).WithSummary("Makes a picture from a prompt.");
        api.MapPost("/projects/{id}/edit", Submit<EditedRecipe>).WithSummary("Makes a picture that follows another one, with other words.");
        api.MapPost("/projects/{id}/invert", Submit<InvertedRecipe>).WithSummary("Inverts a picture that was sent, so that it can be edited.");
        api.MapPost("/projects/{id}/inpaint", Submit<InpaintedRecipe>).WithSummary("Fills a part of a picture anew.");
        api.MapPost("/pictures", AddPicture).WithSummary("Takes a picture: the request's body is the file.").Accepts<byte[]>("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp");
        api.MapGet("/pictures/{name}.png", FindPicture).WithSummary("A picture; it never changes.").Produces(200, contentType: "image/png").ProducesProblem(404);
        api.MapGet("/jobs/{id}", FindJob).WithSummary("Where a job is.");
        api.MapDelete("/jobs/{id}", CancelJob).WithSummary("Stops a job.");
        api.MapGet("/jobs/{id}/events", WatchJob).WithSummary("A job's progress as server-sent events, until it is over.").Produces<JobProgress>(200, "text/event-stream").ProducesProblem(404);
        api.MapGet("/jobs/{id}/preview.png", Preview).WithSummary("What a job's picture is heading for.").Produces(200, contentType: "image/png").ProducesProblem(404);
        api.MapGet("/versions/{id}", FindVersion).WithSummary("A version.");
        api.MapDelete("/versions/{id}", DeleteVersion).WithSummary("Deletes a version and all that was made from it, and stops what is being made from them.");
        api.MapVersionFiles();
        api.MapGet("/sessions", (StudioEngine engine) => engine.Sessions).WithSummary("The sources that are recorded in memory, so that their edits need not run them; the latest used first.");
        api.MapDelete("/sessions/{key}", FreeSession).WithSummary("Frees the memory of a recorded source, at once or when what is being made is done. It is run again when somebody edits it.");
        api.MapGet("/grid.png", Grid).WithSummary("Versions side by side, with captions.").Produces(200, contentType: "image/png");
    }

    private static StudioAnswer About(StudioEngine engine, StudioOptions options) => new(
        engine.Models, SamplerNames.All, InversionMethod.Names, options.MaxUploadBytes, options.MaxUploadPixels, options.Limits.QueueLength, engine.Waiting);

    private static Created<Project> CreateProject(ProjectBody body, StudioStore store)
    {
        var project = store.CreateProject(Names.Project(body.Name));
        return TypedResults.Created($"/api/projects/{project.Id}", project);
    }

    private static Results<Ok<ProjectAnswer>, ProblemHttpResult> FindProject(string id, StudioStore store) => store.FindProject(id) is { } project
        ? TypedResults.Ok(new ProjectAnswer(project, store.Versions(id)))
        : Missing("project", id);

    private static Results<NoContent, ProblemHttpResult> DeleteProject(string id, StudioEngine engine) =>
        engine.DeleteProject(id) ? TypedResults.NoContent() : Missing("project", id);

    private static Results<NoContent, ProblemHttpResult> DeleteVersion(string id, StudioEngine engine) =>
        engine.DeleteVersion(id) ? TypedResults.NoContent() : Missing("version", id);

    private static Accepted<JobAnswer> Submit<T>(string id, T recipe, StudioEngine engine, string? parent = null)
        where T : Recipe
    {
        var job = engine.Submit(id, parent, recipe);
        return TypedResults.Accepted($"/api/jobs/{job.Id}", JobAnswer.Of(job));
    }

    private static async Task<Created<PictureAnswer>> AddPicture(HttpRequest request, StudioStore store, StudioOptions options)
    {
        var (png, size) = await Uploads.Read(request.Body, options);
        var name = store.AddPicture(png, size);
        return TypedResults.Created($"/api/pictures/{name}.png", new PictureAnswer(name, size.Width, size.Height));
    }

    private static IResult FindPicture(string name, StudioStore store, StudioEngine engine, HttpContext context)
    {
        // The name is a hash of what it names, so whoever has it need not load it again.
        var tag = new EntityTagHeaderValue($"\"{name}\"");
        if (store.FindPng(name) is not { } png)
            return Missing("picture", name);
        context.Response.Headers.CacheControl = ForGood;
        // The pixels are the name's; how they came about is added for those who take the file away.
        var file = store.FindShowing(name) is { } version ? PngText.AddTo(png, RunRecord.Texts(version, store.Version, engine.ArgumentsOf)) : png;
        return TypedResults.Bytes(file, "image/png", entityTag: tag);
    }

    private static Results<Ok<JobAnswer>, ProblemHttpResult> FindJob(string id, StudioEngine engine) =>
        engine.Find(id) is { } job ? TypedResults.Ok(JobAnswer.Of(job)) : Missing("job", id);

    private static Results<Ok<JobAnswer>, ProblemHttpResult> CancelJob(string id, StudioEngine engine)
    {
        if (engine.Find(id) is not { } job)
            return Missing("job", id);
        job.Cancel();
        return TypedResults.Ok(JobAnswer.Of(job));
    }

    private static IResult WatchJob(string id, StudioEngine engine, IHostApplicationLifetime host, CancellationToken cancellationToken) =>
        engine.Find(id) is { } job ? TypedResults.ServerSentEvents(Events(job, host.ApplicationStopping, cancellationToken)) : Missing("job", id);

    // Somebody who watches must not keep the server from stopping.
    private static async IAsyncEnumerable<SseItem<JobProgress>> Events(Job job, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        await foreach (var progress in job.Watch(either.Token))
            yield return new(progress, progress.IsOver ? "over" : "progress");
    }

    // Whoever asks for the preview of what is done meanwhile gets the picture.
    private static IResult Preview(string id, StudioEngine engine, StudioStore store, HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (engine.Find(id)?.Progress.Version is { } done && store.FindVersion(done) is { } version)
            return TypedResults.Redirect($"/api/pictures/{version.Picture}.png");
        return engine.Find(id)?.Preview is { } png ? TypedResults.Bytes(png, "image/png") : Missing("preview of a job", id);
    }

    private static Results<Ok<PictureVersion>, ProblemHttpResult> FindVersion(string id, StudioStore store) =>
        store.FindVersion(id) is { } version ? TypedResults.Ok(version) : Missing("version", id);

    private static Results<NoContent, ProblemHttpResult> FreeSession(string key, StudioEngine engine) =>
        engine.FreeSession(key) ? TypedResults.NoContent() : Missing("recorded session", key);

    private static FileContentHttpResult Grid(string versions, StudioStore store, StudioOptions options)
    {
        var found = versions.Split(',', StringSplitOptions.RemoveEmptyEntries).Take(Names.MaxInGrid).Select(store.Version).ToList();
        if (found.Count == 0)
            throw new Diffusion.InvalidInputException("Versions", "No version is named.", "Give ids with commas between them.");
        return TypedResults.Bytes(options.DrawGrid([.. found.Select(version => (store.Picture(version.Picture), version.Recipe.Prompt))]), "image/png");
    }

    internal static ProblemHttpResult Missing(string what, string id) => TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, title: $"There is no {what} \"{id}\".");
}
