using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Api;

/// <summary>The models over HTTP: which there are, and fetching others from the hub.</summary>
internal static class ModelApi
{
    public static void MapModels(this IEndpointRouteBuilder api)
    {
        api.MapGet("/models", (StudioEngine engine, ModelFetcher fetcher) => engine.Models.Select(name => ModelAnswer.Of(engine.Catalog, fetcher, name)).ToList()).WithSummary("The models, the default first, with their LoRAs and learned words.");
        api.MapPost("/models", Fetch).WithSummary("Fetches a model, OWNER/NAME, from the hub; at most one at a time.").ProducesProblem(400).ProducesProblem(429);
        api.MapDelete("/models", Remove).WithSummary("Removes a fetched model, and deletes its files from the hub's cache. Its pictures stay.").ProducesProblem(400).ProducesProblem(404);
        api.MapGet("/models/fetches/{id}", Find).WithSummary("Progress of a download.");
        api.MapDelete("/models/fetches/{id}", Cancel).WithSummary("Stops a download. Fetching the model again resumes it.");
    }

    /// <summary>A model of a request. Without one, the default is meant, as in a recipe.</summary>
    public static string OrDefault(StudioEngine engine, string? model) => string.IsNullOrEmpty(model) ? engine.Models[0] : model;

    private static Accepted<FetchAnswer> Fetch(JsonBody<FetchBody> body, ModelFetcher fetcher)
    {
        var fetch = fetcher.Fetch(body.Value.Model, body.Value.Variant);
        return TypedResults.Accepted($"/api/models/fetches/{fetch.Id}", FetchAnswer.Of(fetch));
    }

    // Names have slashes, so they are not part of the path.
    private static Results<Ok<RemovedAnswer>, ProblemHttpResult> Remove(string model, ModelFetcher fetcher) =>
        fetcher.Remove(model) is { } freed ? TypedResults.Ok(new RemovedAnswer(model, freed)) : StudioApi.Missing("fetched model", model);

    private static Results<Ok<FetchAnswer>, ProblemHttpResult> Find(string id, ModelFetcher fetcher) =>
        fetcher.Find(id) is { } fetch ? TypedResults.Ok(FetchAnswer.Of(fetch)) : StudioApi.Missing("download", id);

    private static Results<Ok<FetchAnswer>, ProblemHttpResult> Cancel(string id, ModelFetcher fetcher)
    {
        if (fetcher.Find(id) is not { } fetch)
            return StudioApi.Missing("download", id);
        fetch.Cancel();
        return TypedResults.Ok(FetchAnswer.Of(fetch));
    }
}
