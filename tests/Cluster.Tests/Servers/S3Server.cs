using System.Diagnostics;
using System.Net.Sockets;
using Amazon.S3;
using PromptToPrompt.Batch.Shards;

namespace PromptToPrompt.Cluster.Tests.Servers;

/// <summary>A private server with the protocol of S3 (s3rver of npm), started by the first test that needs it.</summary>
public sealed class S3Server : IDisposable
{
    private static readonly string Program = Environment.GetEnvironmentVariable("P2P_S3RVER") is { Length: > 0 } given ? given
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache/prompt-to-prompt/s3rver/node_modules/s3rver/bin/s3rver.js");

    private static readonly bool HasNode = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(path => File.Exists(Path.Combine(path, "node")));

    private readonly Lock gate = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-s3-");
    private int port;
    private Process? server;

    /// <summary>Keeps the unfinished work of all tests out of the user's cache. Here, because this fixture exists before the first test begins.</summary>
    public S3Server() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", Path.Combine(folder.FullName, "cache"));

    /// <summary>A bucket of its own, and an address in it.</summary>
    public (AmazonS3Client Client, string Bucket, string Address) NewBucket()
    {
        Assert.SkipUnless(File.Exists(Program), "s3rver is not installed here: npm install s3rver, and name its bin/s3rver.js by P2P_S3RVER.");
        Assert.SkipUnless(HasNode, "s3rver is a program of node, which is not installed here.");
        lock (gate)
        {
            if (server is null)
                ServerProcess.OnFreePort(free => port = free, Start);
            // The usual variables of programs with the SDK, for this process and those that it starts. The server does not know checksums behind the content.
            foreach (var (name, value) in new[] { ("ENDPOINT_URL_S3", $"http://127.0.0.1:{port}"), ("ACCESS_KEY_ID", "S3RVER"), ("SECRET_ACCESS_KEY", "S3RVER"), ("REGION", "us-east-1"), ("REQUEST_CHECKSUM_CALCULATION", "when_required") })
                Environment.SetEnvironmentVariable("AWS_" + name, value);
            var bucket = $"bucket-{Guid.NewGuid():N}";
            var client = S3Bucket.Connect();
            client.PutBucketAsync(bucket).GetAwaiter().GetResult();
            return (client, bucket, $"s3://{bucket}/some/data");
        }
    }

    public void Dispose()
    {
        if (server is not null)
            ServerProcess.End(server);
        folder.Delete(recursive: true);
    }

    private void Start()
    {
        server = ServerProcess.Start("node", Program, "--address", "127.0.0.1", "--port", $"{port}", "--directory", folder.CreateSubdirectory("buckets").FullName, "--no-vhost-buckets", "--silent");
        for (var started = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                using var connection = new TcpClient("127.0.0.1", port);
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
}
