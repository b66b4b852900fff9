using System.Net;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>
/// A data set in a bucket of S3 or a service with its protocol. Credentials, region and endpoint are those of every program with the SDK: environment variables, the
/// files in <c>~/.aws</c>, or the machine's role. Objects appear whole, so a shard appears with the object of its statistics.
/// </summary>
internal sealed partial class S3Place : DataSetPlace
{
    private const string Scheme = "s3://";
    private const int Downloads = 16;

    private readonly string bucket;
    private readonly string prefix;
    private readonly Lazy<AmazonS3Client> client = new(Connect);

    private S3Place(string bucket, string prefix)
    {
        (this.bucket, this.prefix) = (bucket, prefix);
        var unique = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_S3")} {Name}")))[..16];
        Folder = UserCache.Folder("batch", unique) ?? Path.Combine(Path.GetTempPath(), "prompt-to-prompt", unique);
    }

    /// <inheritdoc/>
    public override string Name => Scheme + bucket + "/" + prefix.TrimEnd('/');

    /// <summary>The run's folder on this machine, in the user's cache. It has the same path in every process of the user.</summary>
    public string Folder { get; }

    /// <summary>Largest part of an upload: a longer file, of which S3 does not take any length at once, has several.</summary>
    public long PartBytes { get; set; } = 1L << 28;

    /// <summary>The place with an address; null if the text is no address of S3.</summary>
    /// <param name="text"><c>s3://bucket/prefix</c>.</param>
    /// <exception cref="InvalidInputException">The address has no bucket or no prefix.</exception>
    public static S3Place? TryParse(string text)
    {
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var parts = text[Scheme.Length..].Split('/', 2);
        var prefix = parts.Length == 2 ? parts[1].Trim('/') : "";
        InvalidInputException.Require(parts[0].Length > 0 && prefix.Length > 0, "Output", $"\"{text}\" is not valid.", "Use s3://BUCKET/PREFIX.");
        return new S3Place(parts[0], prefix + "/");
    }

    /// <inheritdoc/>
    public override string PathOf(string name) => $"{Name}/{name}";

    /// <inheritdoc/>
    public override void Fetch()
    {
        var there = List();
        var here = Directory.Exists(Folder) ? Directory.EnumerateFiles(Folder).Select(path => Path.GetFileName(path)).Where(name => SmallFile().IsMatch(name)).ToList() : [];
        // What was deleted there must not count here. Without a manifest, another run may follow: unfinished items are of the earlier one.
        if (!there.ContainsKey(RunManifest.Name) && here.Contains(RunManifest.Name) && Directory.Exists(ShardPaths.AllUnfinished(Folder)))
            Directory.Delete(ShardPaths.AllUnfinished(Folder), recursive: true);
        foreach (var name in here.Where(name => !there.ContainsKey(name)))
            File.Delete(Path.Combine(Folder, name));
        try
        {
            _ = Parallel.ForEach(there.Where(file => !IsHere(file.Key, file.Value)), new ParallelOptions { MaxDegreeOfParallelism = Downloads }, file => Download(file.Key));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    /// <inheritdoc/>
    public override void Fetch(ShardPaths shard)
    {
        // The statistics come last, as in the data set.
        if (Read(Path.GetFileName(shard.Stats)) is not { } stats)
            return;
        Download(Path.GetFileName(shard.Failed));
        Keep(Path.GetFileName(shard.Stats), stats);
    }

    /// <summary>Brings a file to <see cref="Folder"/>.</summary>
    /// <returns>Its path; null if the data set does not have it.</returns>
    public string? Download(string name)
    {
        if (Read(name) is not { } content)
            return null;
        Keep(name, content);
        return Path.Combine(Folder, name);
    }

    /// <inheritdoc/>
    public override bool Create(string name, string text)
    {
        // Not all services refuse an object that exists.
        var content = Encoding.UTF8.GetBytes(text);
        var existing = Read(name);
        if (existing is null && !Put(name, text))
            existing = Read(name);
        Keep(name, existing ?? content);
        return existing is null || existing.AsSpan().SequenceEqual(content);
    }

    /// <inheritdoc/>
    public override void Write(string name, byte[] content)
    {
        _ = Do(s3 => s3.PutObjectAsync(New(name, new MemoryStream(content))));
        Keep(name, content);
    }

    /// <inheritdoc/>
    public override void Move(string path, string name)
    {
        _ = Do(async s3 =>
        {
            if (new FileInfo(path).Length > PartBytes)
                await UploadParts(s3, path, name).ConfigureAwait(false);
            else
                await s3.PutObjectAsync(New(name, File.OpenRead(path))).ConfigureAwait(false);
            return true;
        });
        if (SmallFile().IsMatch(name))
            File.Move(path, Path.Combine(Folder, name), overwrite: true);
        else
            File.Delete(path);
    }

    /// <inheritdoc/>
    public override void Complete(string path, string name)
    {
        if (!Create(name, File.ReadAllText(path)))
            throw new IOException($"{PathOf(name)}: another process completed this shard with other files, and they are mixed now. Delete that object and run the same command again. Give processes shards of their own, by partitions or a cluster.");
        File.Delete(path);
    }

    /// <inheritdoc/>
    public override void Delete(string name)
    {
        _ = Do(s3 => s3.DeleteObjectAsync(bucket, prefix + name));
        File.Delete(Path.Combine(Folder, name));
    }

    /// <summary>A client with the settings of the environment.</summary>
    public static AmazonS3Client Connect()
    {
        // Its endpoint is known only once the client exists. Other services than AWS have no host for each bucket.
        var client = new AmazonS3Client(new AmazonS3Config());
        var config = (AmazonS3Config)client.Config;
        config.ForcePathStyle = !string.IsNullOrEmpty(config.ServiceURL);
        return client;
    }

    private Dictionary<string, string> List() => Do(async s3 =>
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, Delimiter = "/" };
        ListObjectsV2Response page;
        do
        {
            page = await s3.ListObjectsV2Async(request).ConfigureAwait(false);
            foreach (var file in page.S3Objects ?? [])
            {
                if (SmallFile().IsMatch(file.Key[prefix.Length..]))
                    found[file.Key[prefix.Length..]] = file.ETag;
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
        return found;
    });

    // The tag of a small object is usually its MD5; otherwise it is fetched again.
    private bool IsHere(string name, string tag)
    {
        var path = Path.Combine(Folder, name);
#pragma warning disable CA5351 // Compares with what the service computed.
        return File.Exists(path) && tag.Trim('"') == Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes(path)));
#pragma warning restore CA5351
    }

    private void Keep(string name, byte[] content)
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.Write(Path.Combine(Folder, name), stream => stream.Write(content));
    }

    private byte[]? Read(string name) => Do(async s3 =>
    {
        try
        {
            using var answer = await s3.GetObjectAsync(bucket, prefix + name).ConfigureAwait(false);
            using var content = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(content).ConfigureAwait(false);
            return content.ToArray();
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchKey")
        {
            return null;
        }
    });

    // False: the object exists.
    private bool Put(string name, string text) => Do(async s3 =>
    {
        try
        {
            var request = New(name, new MemoryStream(Encoding.UTF8.GetBytes(text)));
            request.IfNoneMatch = "*";
            _ = await s3.PutObjectAsync(request).ConfigureAwait(false);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return false;
        }
    });

    // Without chunks, which not all services know. The stream is closed with the request.
    private PutObjectRequest New(string name, Stream content) => new() { BucketName = bucket, Key = prefix + name, InputStream = content, UseChunkEncoding = false };

    private async Task UploadParts(AmazonS3Client s3, string path, string name)
    {
        var upload = (await s3.InitiateMultipartUploadAsync(bucket, prefix + name).ConfigureAwait(false)).UploadId;
        try
        {
            var parts = new List<PartETag>();
            for (var (start, length) = (0L, new FileInfo(path).Length); start < length; start += PartBytes)
            {
                var part = await s3.UploadPartAsync(new UploadPartRequest
                {
                    BucketName = bucket,
                    Key = prefix + name,
                    UploadId = upload,
                    PartNumber = parts.Count + 1,
                    FilePath = path,
                    FilePosition = start,
                    PartSize = Math.Min(PartBytes, length - start),
                    UseChunkEncoding = false,
                }).ConfigureAwait(false);
                parts.Add(new PartETag(parts.Count + 1, part.ETag));
            }

            _ = await s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = bucket, Key = prefix + name, UploadId = upload, PartETags = parts }).ConfigureAwait(false);
        }
        catch
        {
            _ = await s3.AbortMultipartUploadAsync(bucket, prefix + name, upload).ConfigureAwait(false);
            throw;
        }
    }

    private T Do<T>(Func<AmazonS3Client, Task<T>> work)
    {
        try
        {
            return work(client.Value).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw new IOException($"{Name}: {e.Message.TrimEnd('.', ' ')}. Check the address, the credentials and the endpoint.", e);
        }
    }

    [GeneratedRegex(@"^(run\.json|[0-9]{5,}\.(json|failed\.jsonl))$")]
    private static partial Regex SmallFile();
}
