using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Serialization;
using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>The connection of a worker or another program to the coordinators. Calls wait for as long as coordinators or their database are away.</summary>
internal sealed partial class ClusterLink : IAsyncDisposable
{
    /// <summary>The name of the database's driver.</summary>
    internal const string Npgsql = "Npgsql";

    /// <summary>A call without an answer after this time is repeated.</summary>
    internal static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan GatewayRefresh = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(3);

    // After this time without an answer, a new connection replaces this one, whatever its state.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ClusterAddress address;
    private readonly Action<string>? say;
    private readonly SemaphoreSlim connecting = new(1);
    private IHost? host;
    private string? said;
    private string? lastProblem;

    private ClusterLink(ClusterAddress address, Action<string>? say) => (this.address, this.say) = (address, say);

    /// <summary>Prepares a connection. The first call connects, and waits for a coordinator.</summary>
    /// <param name="address">The cluster.</param>
    /// <param name="say">Receives a line when the coordinators are away, and when they are back.</param>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <exception cref="ClusterException">The database refuses the connection.</exception>
    public static async Task<ClusterLink> Open(ClusterAddress address, Action<string>? say = null, CancellationToken cancellationToken = default)
    {
        if (address is PostgresAddress postgres)
            await PostgresSchema.Check(postgres, cancellationToken);
        return new ClusterLink(address, say);
    }

    /// <summary>Calls grains, again and again until there is an answer.</summary>
    public async Task<T> Call<T>(Func<IGrainFactory, Task<T>> call, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var pause = FirstPause;
        var started = clock.GetTimestamp();
        var connected = started;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                var answer = await Announced(Attempt(), QuietTime - clock.GetElapsedTime(started), cancellationToken);
                lastProblem = null;
                if (Interlocked.Exchange(ref said, null) is not null)
                    say?.Invoke($"The coordinators at {address.Name} are back.");
                return answer;
            }
            catch (Exception e) when (cancellationToken.IsCancellationRequested)
            {
                // A call that is given up may fail with anything. For the caller, it was cancelled.
                throw new OperationCanceledException(e.Message, e, cancellationToken);
            }
            catch (Exception e)
            {
                lastProblem = Describe(e);
                // A coordinator that is replaced by another is no news.
                if (clock.GetElapsedTime(started) > QuietTime)
                    SayWaiting();
                if (clock.GetElapsedTime(connected) > Patience)
                {
                    await Disconnect();
                    connected = clock.GetTimestamp();
                }
            }

            await Task.Delay(pause, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        async Task<T> Attempt()
        {
            var grains = await Connect(cancellationToken);
            return await call(grains).WaitAsync(cancellationToken);
        }
    }

    /// <summary>Calls grains without a result.</summary>
    public Task Call(Func<IGrainFactory, Task> call, CancellationToken cancellationToken) => Call(
        async grains =>
        {
            await call(grains);
            return true;
        },
        cancellationToken);

    /// <summary>Calls grains once.</summary>
    /// <param name="call">The call.</param>
    /// <param name="limit">Time to wait for an answer, the connection included.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ClusterException">There was no answer.</exception>
    public async Task<T> CallWithin<T>(Func<IGrainFactory, Task<T>> call, TimeSpan limit, CancellationToken cancellationToken = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            return await Call(call, timeout.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException($"No coordinator answers at {address.Name}{(lastProblem is { } problem ? $" ({problem})" : "")}. Start one, or correct the address.", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Disconnect();
        connecting.Dispose();
    }

    /// <summary>The cause of a failed call, without the words of the libraries between.</summary>
    internal static string Describe(Exception problem)
    {
        var text = problem.GetBaseException().Message.Split('\n')[0].TrimEnd('.');
        if (text.Contains("orleansquery", StringComparison.OrdinalIgnoreCase))
            return "no coordinator has used this database yet";
        return Gateway().Match(text) is { Success: true } gateway ? $"{gateway.Groups[1].Value} does not answer" : text;
    }

    // As Orleans writes the address of a coordinator: S127.0.0.1:30000:0.
    [GeneratedRegex(@"Unable to connect to (?:endpoint )?S?(\S+:\d+):\d+")]
    private static partial Regex Gateway();

    // An attempt to connect takes its time, and a person would like to know what it waits for.
    private async Task<T> Announced<T>(Task<T> attempt, TimeSpan quiet, CancellationToken cancellationToken)
    {
        try
        {
            if (quiet > TimeSpan.Zero)
                return await attempt.WaitAsync(quiet, cancellationToken);
        }
        catch (TimeoutException) when (!attempt.IsCompleted)
        {
            SayWaiting();
        }

        return await attempt;
    }

    private void SayWaiting()
    {
        var problem = lastProblem;
        if (Interlocked.Exchange(ref said, problem ?? "") is not null)
            return;
        say?.Invoke(problem?.StartsWith(CoordinatorHost.StorageFault, StringComparison.Ordinal) == true
            ? $"{problem}. Waiting for it."
            : $"Waiting for a coordinator at {address.Name}{(problem is null ? "" : $" ({problem})")}.");
    }

    private async Task<IGrainFactory> Connect(CancellationToken cancellationToken)
    {
        await connecting.WaitAsync(cancellationToken);
        try
        {
            if (host is null)
            {
                var created = Create();
                try
                {
                    await created.StartAsync(cancellationToken);
                }
                catch
                {
                    created.Dispose();
                    throw;
                }

                host = created;
            }

            return host.Services.GetRequiredService<IGrainFactory>();
        }
        finally
        {
            connecting.Release();
        }
    }

    private async Task Disconnect()
    {
        await connecting.WaitAsync();
        try
        {
            if (host is null)
                return;
            using (host)
            {
                using var limit = new CancellationTokenSource(LongestPause);
                await host.StopAsync(limit.Token);
            }
        }
        catch (Exception)
        {
            // The connection is thrown away. Nobody waits for its farewell.
        }
        finally
        {
            host = null;
            connecting.Release();
        }
    }

    private IHost Create()
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.UseOrleansClient(client =>
        {
            switch (address)
            {
                case PostgresAddress postgres:
                    client.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (Npgsql, postgres.ConnectionString));
                    break;
                case RedisAddress redis:
                    client.UseRedisClustering(options => options.ConfigurationOptions = redis.NewOptions());
                    break;
                case LocalAddress local:
                    client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, local.GatewayPort));
                    break;
            }

            client.Services.AddSerializer(serializer => serializer.AddAssembly(typeof(IRun).Assembly));
            client.Configure<ClusterOptions>(CoordinatorHost.Identify);
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = GatewayRefresh);
            client.Configure<ClientMessagingOptions>(messages => messages.ResponseTimeout = CallLimit);
        });
        return builder.Build();
    }
}
