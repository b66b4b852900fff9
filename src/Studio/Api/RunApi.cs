using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Studio.Clusters;

namespace PromptToPrompt.Studio.Api;

/// <summary>The runs of a cluster, if the studio was started with one.</summary>
internal static class RunApi
{
    public static void MapRuns(this IEndpointRouteBuilder api)
    {
        api.MapGet("/runs", Look).WithSummary("The runs and workers of the cluster.").ProducesProblem(503);
        api.MapDelete("/runs/{id}", Cancel).WithSummary("Cancels a run of the cluster. Its finished items stay.").ProducesProblem(404).ProducesProblem(503);
    }

    private static async Task<Results<Ok<ClusterView>, ProblemHttpResult>> Look(ClusterRuns runs, CancellationToken cancellationToken)
    {
        try
        {
            return TypedResults.Ok(ForVisitors(await runs.Look(cancellationToken)));
        }
        catch (ClusterException e)
        {
            return Unavailable(e);
        }
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Cancel(string id, ClusterRuns runs, CancellationToken cancellationToken)
    {
        try
        {
            return await runs.Cancel(id, cancellationToken) ? TypedResults.NoContent() : TypedResults.Problem($"There is no run \"{id}\".", statusCode: StatusCodes.Status404NotFound);
        }
        catch (ClusterException e)
        {
            return Unavailable(e);
        }
    }

    // Options may name commands and addresses with secrets, which no visitor needs.
    private static ClusterView ForVisitors(ClusterView view) =>
        view with { Runs = [.. view.Runs.Select(run => run with { Run = run.Run with { Arguments = [], WorkingFolder = "" } })] };

    private static ProblemHttpResult Unavailable(ClusterException problem) => TypedResults.Problem(problem.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
}
