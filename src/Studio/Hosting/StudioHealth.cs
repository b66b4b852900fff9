using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>
/// Health check: whether the studio can make and store pictures. It writes to the database. Without the studio's token it therefore checks at most once in
/// <see cref="Pause"/>, and its answer is only the status.
/// </summary>
/// <param name="engine">The engine.</param>
/// <param name="store">The store.</param>
/// <param name="clock">The clock.</param>
/// <param name="requests">Gives the request.</param>
internal sealed class StudioHealth(StudioEngine engine, StudioStore store, TimeProvider clock, IHttpContextAccessor requests) : IHealthCheck
{
    /// <summary>The pause between checks of the store for requests without a token.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly Lock checking = new();
    private (DateTimeOffset Time, bool IsWritable)? last;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (state, isWritable) = (engine.State, IsWritable(requests.HttpContext is { } request && Gatekeeper.IsAnonymous(request)));
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
        var answer = Gatekeeper.IsAnonymous(context) ? [] : report.Entries.Values.SelectMany(entry => entry.Data).ToDictionary();
        answer["status"] = report.Status.ToString();
        return context.Response.WriteAsJsonAsync(answer);
    }

    private bool IsWritable(bool mayBeOld)
    {
        lock (checking)
        {
            var now = clock.GetUtcNow();
            if (!mayBeOld || last is not { } known || now - known.Time >= Pause)
                last = (now, store.IsWritable());
            return last.Value.IsWritable;
        }
    }
}
