using Microsoft.Extensions.Hosting;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>Leaves signals to the program: a worker that is asked to stop still needs its connection.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
