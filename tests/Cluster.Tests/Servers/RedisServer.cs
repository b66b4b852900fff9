using System.Diagnostics;
using System.Net.Sockets;

namespace PromptToPrompt.Cluster.Tests.Servers;

/// <summary>A private Redis server, started by the first test that needs it.</summary>
public sealed class RedisServer : IDisposable
{
    private readonly Lock gate = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-redis-");
    private int port;
    private Process? server;
    private int databases = -1;

    private static string? Program { get; } = new[] { "/usr/bin/redis-server", "/usr/local/bin/redis-server" }.FirstOrDefault(File.Exists);

    /// <summary>A new database.</summary>
    public string NewDatabase()
    {
        Assert.SkipWhen(Program is null, "Redis is not installed here: apt-get install redis-server.");
        lock (gate)
        {
            if (server is null)
                ServerProcess.OnFreePort(free => port = free, Start);
            return $"redis://127.0.0.1:{port}/{++databases}";
        }
    }

    /// <summary>Starts the server and waits until it answers.</summary>
    public void Start()
    {
        server = ServerProcess.Start(Program!, "--port", $"{port}", "--bind", "127.0.0.1", "--dir", folder.FullName, "--appendonly", "yes", "--appendfsync", "always", "--save", "");
        for (var started = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                using var connection = new TcpClient("127.0.0.1", port);
                // Another server may have taken the port.
                if (!server.HasExited)
                    return;
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            }
            catch (SocketException) when (Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60) && !server.HasExited)
            {
                Thread.Sleep(20);
            }
        }
    }

    /// <summary>Ends the server at once.</summary>
    public void Kill()
    {
        server!.Kill();
        ServerProcess.Wait(server);
    }

    public void Dispose()
    {
        if (server is { HasExited: false })
            Kill();
        server?.Dispose();
        folder.Delete(recursive: true);
    }
}
