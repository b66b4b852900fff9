using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>The page's files, embedded in the assembly. Their addresses contain a hash, so browsers may cache them indefinitely.</summary>
internal static class PageFiles
{
    private const string Prefix = "assets/";
    private const string CacheForever = "public, max-age=31536000, immutable";

    private static readonly FrozenDictionary<string, PageFile> Files = typeof(PageFiles).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
        .ToFrozenDictionary(name => name[Prefix.Length..], Read);

    /// <summary>The address of a file.</summary>
    public static string Address(string name) => $"/{Prefix}{name}?v={Files[name].Hash}";

    public static void MapPageFiles(this IEndpointRouteBuilder app)
    {
        app.MapGet("/assets/{**name}", (string name, HttpContext context) => Send(name, context)).ExcludeFromDescription();
        // Blazor's script requests itself by this name.
        app.MapGet("/_framework/blazor.web.js", (HttpContext context) => Send("blazor.web.js", context)).ExcludeFromDescription();
    }

    private static IResult Send(string name, HttpContext context)
    {
        if (!Files.TryGetValue(name, out var file))
            return Results.NotFound();
        var headers = context.Response.Headers;
        headers.CacheControl = context.Request.Query["v"] == file.Hash ? CacheForever : "no-cache";
        headers.Vary = HeaderNames.AcceptEncoding;
        if (file.Zipped is null || !context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal))
            return Results.Bytes(file.Bytes, ContentType(name), entityTag: new EntityTagHeaderValue($"\"{file.Hash}\""));
        headers.ContentEncoding = "gzip";
        return Results.Bytes(file.Zipped, ContentType(name), entityTag: new EntityTagHeaderValue($"\"{file.Hash}-gzip\""));
    }

    private static string ContentType(string name) => Path.GetExtension(name) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".woff2" => "font/woff2",
        _ => "text/plain; charset=utf-8",
    };

    private static PageFile Read(string name)
    {
        using var stream = typeof(PageFiles).Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes))[..16], Path.GetExtension(name) is ".css" or ".js" ? Zip(bytes) : null);
    }

    private static byte[] Zip(byte[] bytes)
    {
        using var zipped = new MemoryStream();
        using (var stream = new GZipStream(zipped, CompressionLevel.Optimal))
            stream.Write(bytes);
        return zipped.ToArray();
    }

    private sealed record PageFile(byte[] Bytes, string Hash, byte[]? Zipped);
}
