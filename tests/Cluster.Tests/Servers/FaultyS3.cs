using System.Collections.Concurrent;
using System.Security.Cryptography;
using Amazon.S3;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Batch.Shards;

namespace PromptToPrompt.Cluster.Tests.Servers;

/// <summary>A server in this process with the part of S3's protocol that data sets use. It can be told to fail.</summary>
public sealed class FaultyS3 : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly ConcurrentDictionary<string, byte[]> parts = new();

    private FaultyS3(WebApplication application) => this.application = application;

    /// <summary>The objects, by their keys.</summary>
    public ConcurrentDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>The requests so far: method and key.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Is asked before each request with its method, key and query. It may change the objects; an answer other than null is the response: a status and an error code of S3.</summary>
    public Func<string, string, HttpContext, Task<(int Status, string Code)?>>? Fault { get; set; }

    /// <summary>Whether uploads of several parts were given up.</summary>
    public bool HasAborted { get; private set; }

    /// <summary>The address of the server.</summary>
    public string Url => application.Urls.Single();

    /// <summary>Starts one. Objects of this process have its address from then on.</summary>
    public static async Task<FaultyS3> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel((KestrelServerOptions options) => options.Limits.MinRequestBodyDataRate = null);
        var server = new FaultyS3(builder.Build());
        server.application.Run(server.Answer);
        await server.application.StartAsync();
        return server;
    }

    /// <summary>A place in a bucket of this server, with a client of its own.</summary>
    internal S3Place Place(string? folder, Action<AmazonS3Config>? change = null) => new(new S3Bucket("bucket", "data/", () =>
    {
        var config = new AmazonS3Config { ServiceURL = Url, ForcePathStyle = true, AuthenticationRegion = "us-east-1", MaxErrorRetry = 0, RequestChecksumCalculation = Amazon.Runtime.RequestChecksumCalculation.WHEN_REQUIRED };
        change?.Invoke(config);
        return new AmazonS3Client("key", "secret", config);
    }), folder);

    public async ValueTask DisposeAsync() => await application.DisposeAsync();

    private async Task Answer(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var key = request.Path.Value!["/bucket".Length..].TrimStart('/');
        Requests.Enqueue($"{request.Method} {key}");
        if (Fault is not null && await Fault(request.Method, key, context) is var (status, code))
        {
            await Error(status, code);
            return;
        }

        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        switch (request.Method)
        {
            case "GET" when key.Length == 0:
                var prefix = request.Query["prefix"].ToString();
                var names = Objects.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal);
                await Xml($"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>{string.Concat(names.Select(name => $"<Contents><Key>{name}</Key><ETag>{Tag(Objects[name])}</ETag></Contents>"))}</ListBucketResult>");
                break;
            case "GET" when Objects.TryGetValue(key, out var content):
                response.Headers.ETag = Tag(content);
                await response.Body.WriteAsync(content);
                break;
            case "GET":
                await Error(404, "NoSuchKey");
                break;
            case "PUT" when request.Query.ContainsKey("partNumber"):
                parts[request.Query["partNumber"].ToString()] = body.ToArray();
                response.Headers.ETag = Tag(body.ToArray());
                break;
            case "PUT" when request.Headers.IfNoneMatch == "*" && Objects.ContainsKey(key):
                await Error(412, "PreconditionFailed");
                break;
            case "PUT":
                Objects[key] = body.ToArray();
                response.Headers.ETag = Tag(body.ToArray());
                break;
            case "POST" when request.Query.ContainsKey("uploads"):
                await Xml("<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>");
                break;
            case "POST":
                Objects[key] = [.. parts.OrderBy(part => int.Parse(part.Key)).SelectMany(part => part.Value)];
                await Xml("<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>");
                break;
            case "DELETE":
                HasAborted |= request.Query.ContainsKey("uploadId");
                if (!request.Query.ContainsKey("uploadId"))
                    Objects.TryRemove(key, out _);
                response.StatusCode = 204;
                break;
        }

        Task Error(int number, string text)
        {
            response.StatusCode = number;
            return Xml($"<Error><Code>{text}</Code><Message>A message of the service</Message></Error>");
        }

        Task Xml(string text)
        {
            response.ContentType = "application/xml";
            return response.WriteAsync("<?xml version=\"1.0\"?>" + text);
        }
    }

#pragma warning disable CA5351 // As the service does.
    private static string Tag(byte[] content) => $"\"{Convert.ToHexStringLower(MD5.HashData(content))}\"";
#pragma warning restore CA5351
}
