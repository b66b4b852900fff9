using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>Health check: whether the studio can make and store pictures. It reveals no names, because it needs no token.</summary>
internal sealed class StudioHealth(StudioEngine engine, StudioStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (state, isWritable) = (engine.State, store.IsWritable());
        var found = new Dictionary<string, object>
        {
            ["storeWritable"] = isWritable,
            ["modelLoaded"] = state.IsModelLoaded,
            ["running"] = state.IsRunning,
            ["waiting"] = state.Waiting,
            ["sessionBytes"] = state.SessionBytes,
        };
        return Task.FromResult(new HealthCheckResult(state.IsAlive && isWritable ? HealthStatus.Healthy : HealthStatus.Unhealthy, data: found));
    }

    /// <summary>Writes the result as JSON.</summary>
    public static Task Write(HttpContext context, HealthReport report)
    {
        var answer = report.Entries.Values.SelectMany(entry => entry.Data).ToDictionary();
        answer["status"] = report.Status.ToString();
        return context.Response.WriteAsJsonAsync(answer);
    }
}
