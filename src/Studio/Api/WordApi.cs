using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Api;

/// <summary>Learning words over HTTP.</summary>
internal static class WordApi
{
    public static void MapWords(this IEndpointRouteBuilder api)
    {
        api.MapPost("/words", Learn).WithSummary("Learns a word for prompts from uploaded pictures.").ProducesProblem(400).ProducesProblem(429);
        api.MapDelete("/words", Remove).WithSummary("Removes a word that was learned in the studio.").ProducesProblem(404);
    }

    private static Accepted<JobAnswer> Learn(JsonBody<WordBody> body, StudioEngine engine)
    {
        var job = engine.Learn(body.Value.Recipe);
        return TypedResults.Accepted($"/api/jobs/{job.Id}", JobAnswer.Of(job));
    }

    private static Results<NoContent, ProblemHttpResult> Remove(string word, StudioEngine engine, string? model = null)
    {
        var of = ModelApi.OrDefault(engine, model);
        return engine.Catalog.Find(of) is not null && engine.Catalog.RemoveWord(of, word) ? TypedResults.NoContent() : StudioApi.Missing("learned word", word);
    }
}
