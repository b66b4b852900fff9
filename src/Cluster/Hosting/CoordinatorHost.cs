using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Serialization;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Grains;
using StackExchange.Redis;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>The addresses of a coordinator.</summary>
internal sealed record CoordinatorEndpoints
{
    /// <summary>Default of <see cref="Port"/>.</summary>
    public const int DefaultPort = 11111;

    /// <summary>The address to listen at, by which other machines reach it.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port for other coordinators; 0 for any free one.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>The port for workers; 0 for any free one.</summary>
    public int GatewayPort { get; init; } = ClusterAddress.DefaultGatewayPort;
}

/// <summary>A coordinator: an Orleans silo in this process.</summary>
internal sealed class CoordinatorHost : IAsyncDisposable
{
    // A coordinator that died is noticed within ten seconds.
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AliveWrites = TimeSpan.FromSeconds(5);

    /// <summary>The beginning of the message of a call that failed because the database did not answer.</summary>
    internal const string StorageFault = "The coordinator's database does not answer";

    private readonly IHost host;

    private CoordinatorHost(IHost host, CoordinatorEndpoints endpoints) => (this.host, Endpoints) = (host, endpoints);

    /// <summary>Its addresses, with the ports that were free.</summary>
    public CoordinatorEndpoints Endpoints { get; }

    /// <summary>The grains, for programs that run a coordinator themselves.</summary>
    public IGrainFactory Grains => host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Starts a coordinator, and creates the tables that are missing.</summary>
    /// <exception cref="ClusterException">The database cannot be used, or a port is taken.</exception>
    public static async Task<CoordinatorHost> Start(
        ClusterAddress address, CoordinatorEndpoints endpoints, CoordinatorSettings settings, Action<ILoggingBuilder>? log = null, CancellationToken cancellationToken = default)
    {
        endpoints = WithPorts(endpoints, address is LocalAddress local ? local.GatewayPort : endpoints.GatewayPort);
        if (address is PostgresAddress postgres)
            await PostgresSchema.Create(postgres, cancellationToken);
        if (address is RedisAddress redis)
            await RedisCheck.RequireReachable(redis);
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        log?.Invoke(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(settings);
        builder.UseOrleans(silo =>
        {
            Configure(silo, address, endpoints);
            silo.AddIncomingGrainCallFilter(NameStorageFaults);
            silo.Services.AddSerializer(serializer => serializer.AddAssembly(typeof(IRun).Assembly));
            silo.Configure<ClusterOptions>(Identify);
            silo.Configure<ClusterMembershipOptions>(membership => (membership.ProbeTimeout, membership.IAmAliveTablePublishTimeout) = (ProbeTimeout, AliveWrites));
            silo.Configure<SiloMessagingOptions>(messages => messages.ResponseTimeout = ClusterLink.CallLimit);
        });
        var host = builder.Build();
        try
        {
            await host.StartAsync(cancellationToken);
        }
        catch (Exception e)
        {
            host.Dispose();
            if (e is OperationCanceledException && cancellationToken.IsCancellationRequested)
                throw;
            throw new ClusterException($"The coordinator did not start: {e.GetBaseException().Message.TrimEnd('.')}.", e);
        }

        return new CoordinatorHost(host, endpoints);
    }

    /// <summary>The name of the cluster in its database.</summary>
    internal static void Identify(ClusterOptions cluster) => (cluster.ClusterId, cluster.ServiceId) = ("p2p", "p2p");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await host.StopAsync();
        }
        catch (Exception)
        {
            // Without the database there is no orderly end. The other coordinators notice that this one is gone.
        }
        finally
        {
            host.Dispose();
        }
    }

    private static void Configure(ISiloBuilder silo, ClusterAddress address, CoordinatorEndpoints endpoints)
    {
        switch (address)
        {
            case PostgresAddress postgres:
                silo.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (ClusterLink.Npgsql, postgres.ConnectionString));
                silo.AddAdoNetGrainStorage(StorageNames.Runs, options => (options.Invariant, options.ConnectionString, options.GrainStorageSerializer) = (ClusterLink.Npgsql, postgres.ConnectionString, new JsonStateSerializer()));
                silo.UseAdoNetReminderService(options => (options.Invariant, options.ConnectionString) = (ClusterLink.Npgsql, postgres.ConnectionString));
                break;
            case RedisAddress redis:
                silo.UseRedisClustering(options => options.ConfigurationOptions = redis.NewOptions());
                silo.AddRedisGrainStorage(StorageNames.Runs, options => (options.ConfigurationOptions, options.GrainStorageSerializer) = (redis.NewOptions(), new JsonStateSerializer()));
                silo.UseRedisReminderService(options => options.ConfigurationOptions = redis.NewOptions());
                break;
            default:
                silo.UseLocalhostClustering(endpoints.Port, endpoints.GatewayPort);
                silo.AddMemoryGrainStorage(StorageNames.Runs);
                silo.UseInMemoryReminderService();
                break;
        }

        silo.ConfigureEndpoints(endpoints.Address, endpoints.Port, endpoints.GatewayPort);
    }

    // The types of the database's driver are unknown to clients.
    private static async Task NameStorageFaults(IIncomingGrainCallContext call)
    {
        try
        {
            await call.Invoke();
        }
        catch (Exception e) when (IsOfStorage(e))
        {
            throw new OrleansException($"{StorageFault} ({e.GetBaseException().Message.Split('\n')[0].TrimEnd('.')})");
        }
    }

    private static bool IsOfStorage(Exception problem) => problem is DbException or RedisException or RedisTimeoutException || (problem.InnerException is { } inner && IsOfStorage(inner));

    private static CoordinatorEndpoints WithPorts(CoordinatorEndpoints endpoints, int gatewayPort)
    {
        // Both are held until both are known: else the same free port may be found twice.
        using var silo = Listen(endpoints.Address, endpoints.Port);
        using var gateway = Listen(endpoints.Address, gatewayPort);
        return endpoints with { Port = ((IPEndPoint)silo.LocalEndpoint).Port, GatewayPort = ((IPEndPoint)gateway.LocalEndpoint).Port };
    }

    private static TcpListener Listen(IPAddress address, int port)
    {
        var socket = new TcpListener(address, port);
        try
        {
            socket.Start();
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new ClusterException($"The coordinator cannot listen at {address}:{port} ({e.Message.TrimEnd('.')}). Use another address or port.", e);
        }
    }
}
