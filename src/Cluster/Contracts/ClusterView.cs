using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace PromptToPrompt.Cluster.Contracts;

/// <summary>All runs and workers, for display.</summary>
/// <param name="Runs">The runs, the newest first.</param>
/// <param name="Workers">The workers.</param>
internal sealed record ClusterView(IReadOnlyList<RunStatus> Runs, IReadOnlyList<WorkerStatus> Workers)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Asks the coordinators.</summary>
    public static async Task<ClusterView> Of(IGrainFactory grains)
    {
        var runs = await grains.GetGrain<ICatalog>(0).All();
        var statuses = await Task.WhenAll(runs.Reverse().Select(run => grains.GetGrain<IRun>(run).Status()));
        return new ClusterView([.. statuses.OfType<RunStatus>()], await grains.GetGrain<IFleet>(0).Workers());
    }

    /// <summary>The same as JSON.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, Options)!.AsObject();
}
