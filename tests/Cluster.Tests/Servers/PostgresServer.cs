using System.Diagnostics;
using Npgsql;

namespace PromptToPrompt.Cluster.Tests.Servers;

/// <summary>A private PostgreSQL server, started by the first test that needs it.</summary>
public sealed class PostgresServer : IDisposable
{
    private readonly Lock gate = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-postgres-");
    private int port;
    private Process? server;
    private int databases;

    private static string? Programs { get; } =
        Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Order().Select(version => Path.Combine(version, "bin")).LastOrDefault(bin => File.Exists(Path.Combine(bin, "initdb"))) : null;

    // The server refuses to run as root.
    private static string[] AsUser { get; } = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

    /// <summary>A new database.</summary>
    public string NewDatabase()
    {
        Assert.SkipWhen(Programs is null, "PostgreSQL is not installed here: apt-get install postgresql.");
        lock (gate)
        {
            if (server is null)
            {
                Run("chown", Environment.IsPrivilegedProcess ? "postgres" : Environment.UserName, folder.FullName);
                RunAsUser("initdb", "-D", Data, "-A", "trust", "-U", "p2p", "--no-sync", "-E", "UTF8", "--locale=C");
                ServerProcess.OnFreePort(free => port = free, Start);
            }

            var name = $"test{++databases}";
            using var admin = new NpgsqlConnection(ConnectionString("postgres"));
            admin.Open();
            using var create = new NpgsqlCommand($"CREATE DATABASE {name}", admin);
            create.ExecuteNonQuery();
            return ConnectionString(name);
        }
    }

    /// <summary>Starts the server and waits until it answers.</summary>
    public void Start()
    {
        server = ServerProcess.StartAs(
            AsUser, Path.Combine(Programs!, "postgres"), "-D", Data, "-p", $"{port}", "-k", folder.FullName, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=300");
        for (var started = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                using var connection = new NpgsqlConnection(ConnectionString("postgres"));
                connection.Open();
                // Another server may have taken the port.
                if (!server.HasExited)
                    return;
                throw new NpgsqlException("The server has ended.");
            }
            catch (NpgsqlException) when (Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60) && !server.HasExited)
            {
                Thread.Sleep(20);
            }
        }
    }

    /// <summary>Ends the server and all its connections at once.</summary>
    public void Kill()
    {
        ServerProcess.Signal(server!, "QUIT");
        ServerProcess.Wait(server!);
        NpgsqlConnection.ClearAllPools();
    }

    public void Dispose()
    {
        if (server is { HasExited: false })
            Kill();
        server?.Dispose();
        folder.Delete(recursive: true);
    }

    private string Data => Path.Combine(folder.FullName, "data");

    private string ConnectionString(string database) => $"Host=127.0.0.1;Port={port};Database={database};Username=p2p";

    private static void Run(string program, params string[] arguments) => ServerProcess.Run(program, arguments);

    private static void RunAsUser(string program, params string[] arguments)
    {
        var command = AsUser.Append(Path.Combine(Programs!, program)).Concat(arguments).ToArray();
        Run(command[0], command[1..]);
    }
}
