using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace PromptToPrompt.Testing;

/// <summary>A request as the server saw it.</summary>
public sealed record SeenRequest(string Method, string Path, string? Range, string? Authorization, bool ToContentHost);

/// <summary>
/// A hub on this machine that speaks the real one's protocol: the list of files, what each is, redirects of large files to another host, ranges.
/// A test makes it fail in the way it is about.
/// </summary>
public sealed class HubServer : IAsyncDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private const string ContentPath = "/content/";
    private readonly WebApplication app;
    private readonly Dictionary<string, (byte[] Content, bool IsLarge)> files = [];
    private readonly Uri contentHost;

    private HubServer(WebApplication app)
    {
        this.app = app;
        app.Run(AnswerAsync);
        app.Start();
        var addresses = app.Urls.Select(url => new Uri(url)).ToList();
        (Address, contentHost) = (addresses[0], addresses[1]);
    }

    public Uri Address { get; }

    public string Repository { get; init; } = "owner/model";

    public string Revision { get; init; } = "main";

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    /// <summary>What the server does instead of answering well; true where it has answered.</summary>
    public Func<HttpContext, Task<bool>> Fault { get; set; } = _ => Task.FromResult(false);

    /// <summary>What the server says a file's size is, where that is not the truth.</summary>
    public Dictionary<string, long> FalseSizes { get; } = [];

    /// <summary>What the server says a file's hash is, where that is not the truth.</summary>
    public Dictionary<string, string> FalseHashes { get; } = [];

    public static HubServer Start(string repository = "owner/model", string revision = "main")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0", "http://127.0.0.1:0");
        return new HubServer(builder.Build()) { Repository = repository, Revision = revision };
    }

    /// <summary>Publishes a file. Large ones are kept by SHA-256 at another host, as the hub does with weights.</summary>
    public HubServer Add(string path, byte[] content, bool isLarge = false)
    {
        files[path] = (content, isLarge);
        return this;
    }

    public HubServer Add(string path, string content) => Add(path, Encoding.UTF8.GetBytes(content));

    /// <summary>Publishes a folder.</summary>
    public HubServer AddFolder(string folder)
    {
        foreach (var path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
            Add(Path.GetRelativePath(folder, path).Replace('\\', '/'), File.ReadAllBytes(path), Path.GetExtension(path) == ".safetensors");
        return this;
    }

    /// <summary>The requests for the content of a file.</summary>
    public IReadOnlyList<SeenRequest> Fetches(string path) =>
        [.. Requests.Where(request => request.Method == "GET" && request.Path == (files[path].IsLarge ? ContentPath + HashOf(path) : ResolvePath(path)))];

    public string HashOf(string path)
    {
        var (content, isLarge) = files[path];
        return FalseHashes.GetValueOrDefault(path) ?? Convert.ToHexStringLower(isLarge
            ? SHA256.HashData(content)
            : SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private string ResolvePath(string path) => $"/{Repository}/resolve/{Commit}/{path}";

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value!;
        var toContentHost = request.Host.Port == contentHost.Port;
        Requests.Enqueue(new SeenRequest(request.Method, path, request.Headers.Range, request.Headers.Authorization, toContentHost));
        if (await Fault(context))
            return;
        if (path == $"/api/models/{Repository}/revision/{Revision}" || path == $"/api/models/{Repository}/revision/{Commit}")
            await context.Response.WriteAsJsonAsync(new { sha = Commit, siblings = files.Keys.Select(file => new { rfilename = file }) });
        else if (path.StartsWith("/api/models/", StringComparison.Ordinal))
            Refuse(context, StatusCodes.Status404NotFound, path.StartsWith($"/api/models/{Repository}/", StringComparison.Ordinal) ? "RevisionNotFound" : "RepoNotFound");
        else if (toContentHost && files.Keys.FirstOrDefault(file => path == ContentPath + HashOf(file)) is { } content)
            await SendAsync(context, files[content].Content);
        else if (files.Keys.FirstOrDefault(file => path == ResolvePath(file)) is { } known)
            await ResolveAsync(context, known);
        else
            Refuse(context, StatusCodes.Status404NotFound, "EntryNotFound");
    }

    private async Task ResolveAsync(HttpContext context, string path)
    {
        var (content, isLarge) = files[path];
        var headers = context.Response.Headers;
        headers["X-Repo-Commit"] = Commit;
        if (isLarge)
        {
            headers["X-Linked-Size"] = $"{FalseSizes.GetValueOrDefault(path, content.Length)}";
            headers["X-Linked-Etag"] = $"\"{HashOf(path)}\"";
            headers.Location = new Uri(contentHost, ContentPath + HashOf(path)).ToString();
            context.Response.StatusCode = StatusCodes.Status302Found;
            return;
        }

        headers.ETag = $"W/\"{HashOf(path)}\"";
        if (HttpMethods.IsHead(context.Request.Method))
            context.Response.ContentLength = FalseSizes.GetValueOrDefault(path, content.Length);
        else
            await SendAsync(context, content);
    }

    public static void Refuse(HttpContext context, int status, string? code = null)
    {
        context.Response.StatusCode = status;
        if (code is not null)
            context.Response.Headers["X-Error-Code"] = code;
    }

    /// <summary>Sends a content, from where it was asked for.</summary>
    private static async Task SendAsync(HttpContext context, byte[] content)
    {
        var from = 0;
        if (context.Request.GetTypedHeaders().Range?.Ranges.Single().From is { } start)
        {
            from = (int)start;
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {from}-{content.Length - 1}/{content.Length}";
        }

        context.Response.ContentLength = content.Length - from;
        await context.Response.Body.WriteAsync(content.AsMemory(from));
    }
}
