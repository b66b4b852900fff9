using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Cli.Clusters;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cluster.Grains;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p coordinator</c>: runs a coordinator of a cluster.</summary>
internal static class CoordinatorCommand
{
    // Defaults are repeated here, so that creating the command loads nothing of Orleans.
    private const int Port = 11111, GatewayPort = 30000, LeaseSeconds = 60, Attempts = 25;
    private const int ShortestLease = 2;

    public static Command Create(CancellationToken cancellationToken)
    {
        var cluster = new ClusterOption("The database through which coordinators and workers find each other", isRequired: true);
        var listen = Parsed.Of("--listen", "Address of this machine to listen at. Everyone in reach of it can make workers run commands", "an address of this machine, such as 10.0.0.5", ReadAddress, "address");
        listen.DefaultValueFactory = _ => IPAddress.Loopback;
        var port = Parsed.Number("--port", "Port for other coordinators; 0 for any free port", Port);
        var gateway = Parsed.Number("--gateway-port", "Port for workers; 0 for any free port. With localhost, the port of --cluster", GatewayPort);
        var lease = Parsed.Number("--lease", "Seconds without a heartbeat after which a worker loses its shard", LeaseSeconds);
        var attempts = Parsed.Number("--attempts", "Failed attempts at a shard before it is given up", Attempts);
        var command = new Command("coordinator", "Run a coordinator, which gives the shards of data sets to workers").In(HelpGroup.Cluster);
        cluster.AddTo(command);
        foreach (var option in new Option[] { listen, port, gateway, lease, attempts })
            command.Add(option);
        command.SetAction(parse =>
        {
            foreach (var option in new[] { port, gateway })
                InvalidInputException.Require(parse.GetValue(option) is >= 0 and <= ushort.MaxValue, option.Name, $"{parse.GetValue(option)} is out of range.", $"Use a number from 0 to {ushort.MaxValue}.");
            InvalidInputException.Require(parse.GetValue(lease) >= ShortestLease, lease.Name, $"{parse.GetValue(lease)} is out of range.", $"Use {ShortestLease} or more.");
            InvalidInputException.Require(parse.GetValue(attempts) >= 1, attempts.Name, $"{parse.GetValue(attempts)} is out of range.", "Use 1 or more.");
            var endpoints = new CoordinatorEndpoints { Address = parse.GetValue(listen)!, Port = parse.GetValue(port), GatewayPort = parse.GetValue(gateway) };
            var settings = new CoordinatorSettings { Lease = TimeSpan.FromSeconds(parse.GetValue(lease)), MaxAttempts = parse.GetValue(attempts) };
            Run(cluster.Read(parse), endpoints, settings, cancellationToken).GetAwaiter().GetResult();
            return ExitCode.Done;
        });
        return command;
    }

    // Other machines are told this address, so it must be one.
    private static IPAddress ReadAddress(string text) =>
        IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) ? address : throw new FormatException();

    private static async Task Run(ClusterAddress address, CoordinatorEndpoints endpoints, CoordinatorSettings settings, CancellationToken cancellationToken)
    {
        InvalidInputException.Require(
            address is not LocalAddress || IPAddress.IsLoopback(endpoints.Address), "--listen", "A coordinator that keeps all in memory serves its own machine.", "Use PostgreSQL or Redis, or leave it out.");
        using var log = new OneLineLog();
        await using var coordinator = await CoordinatorHost.Start(address, endpoints, settings, logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Error), cancellationToken);
        var its = coordinator.Endpoints;
        Console.Out.WriteLine($"The coordinator listens at {its.Address}:{its.Port} for coordinators and at {its.Address}:{its.GatewayPort} for workers. Press Ctrl-C to stop.");
        var stopped = new TaskCompletionSource();
        await using var registration = cancellationToken.Register(stopped.SetResult);
        await stopped.Task;
    }
}
