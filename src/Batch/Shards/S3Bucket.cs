using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace PromptToPrompt.Batch.Shards;

/// <summary>The objects under a prefix of a bucket. Errors of the network and of the service are <see cref="IOException"/>s.</summary>
/// <param name="bucket">Name of the bucket.</param>
/// <param name="prefix">The prefix, with a slash at its end.</param>
/// <param name="connect">Makes the client, when it is first needed.</param>
internal sealed class S3Bucket(string bucket, string prefix, Func<AmazonS3Client> connect)
{
    private const int Retries = 10;
    private const string Attempts = "AWS_MAX_ATTEMPTS";

    // Of one request. A part of an upload takes longer only over a connection that does not work.
    private static readonly TimeSpan RequestLimit = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    private const int Reads = 3;

    // Neither an error nor a user waits longer for the end of an upload that is given up.
    private static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(5);

    private readonly Lazy<AmazonS3Client> client = new(connect);

    /// <summary>The address of the prefix.</summary>
    public string Name => $"s3://{bucket}/{prefix.TrimEnd('/')}";

    /// <summary>Largest part of an upload: a longer file, of which S3 does not take any length at once, has several.</summary>
    public long PartBytes { get; set; } = 1L << 25;

    /// <summary>The address of the service; empty for AWS, where it follows from the region.</summary>
    /// <exception cref="IOException">The settings of the environment are not complete.</exception>
    public string Endpoint => Do(null, "reach", CancellationToken.None, s3 => Task.FromResult(s3.Config.ServiceURL?.TrimEnd('/') ?? ""));

    /// <summary>A client with the settings of the environment.</summary>
    public static AmazonS3Client Connect()
    {
        // A run of days outlives a service that is away for a moment.
        var settings = new AmazonS3Config { Timeout = RequestLimit, ConnectTimeout = ConnectLimit };
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Attempts)))
            settings.MaxErrorRetry = Retries;
        // Its endpoint is known only once the client exists. Other services than AWS have no host for each bucket.
        var client = new AmazonS3Client(settings);
        var config = (AmazonS3Config)client.Config;
        config.ForcePathStyle = !string.IsNullOrEmpty(config.ServiceURL);
        return client;
    }

    /// <summary>Names and tags of the objects directly under the prefix.</summary>
    public Dictionary<string, string> List(CancellationToken cancellationToken) => Do(null, "list", cancellationToken, async s3 =>
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, Delimiter = "/" };
        ListObjectsV2Response page;
        do
        {
            page = await s3.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
            foreach (var file in page.S3Objects ?? [])
                found[file.Key[prefix.Length..]] = file.ETag;
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
        return found;
    });

    /// <summary>The content of an object; null if there is none.</summary>
    public byte[]? Read(string name, CancellationToken cancellationToken) => Do(name, "read", cancellationToken, async s3 =>
    {
        // The client's own limit and repetitions end with the headers of the answer.
        for (var attempt = 1; ; attempt++)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(RequestLimit);
            try
            {
                using var answer = await s3.GetObjectAsync(bucket, prefix + name, limit.Token).ConfigureAwait(false);
                using var content = new MemoryStream();
                await answer.ResponseStream.CopyToAsync(content, limit.Token).ConfigureAwait(false);
                return content.ToArray();
            }
            catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchKey")
            {
                return null;
            }
            catch (Exception e) when (attempt < Reads && e is IOException or HttpRequestException)
            {
                // The connection broke within the content.
            }
        }
    });

    /// <summary>Writes an object.</summary>
    public void Put(string name, byte[] content, CancellationToken cancellationToken) => Do(name, "write", cancellationToken, s3 => s3.PutObjectAsync(New(name, new MemoryStream(content)), cancellationToken));

    /// <summary>Writes an object unless there is one. Not all services refuse an object that exists.</summary>
    /// <returns>False: there is one, or another process writes it at this moment.</returns>
    public bool PutNew(string name, byte[] content, CancellationToken cancellationToken) => Do(name, "write", cancellationToken, async s3 =>
    {
        try
        {
            var request = New(name, new MemoryStream(content));
            request.IfNoneMatch = "*";
            _ = await s3.PutObjectAsync(request, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return false;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotImplemented || e.ErrorCode == "NotImplemented")
        {
            // A service without conditions.
            _ = await s3.PutObjectAsync(New(name, new MemoryStream(content)), cancellationToken).ConfigureAwait(false);
            return true;
        }
    });

    /// <summary>Writes a file.</summary>
    public void Upload(string path, string name, CancellationToken cancellationToken) => Do(name, "write", cancellationToken, async s3 =>
    {
        if (new FileInfo(path).Length > PartBytes)
            await UploadParts(s3, path, name, cancellationToken).ConfigureAwait(false);
        else
            await s3.PutObjectAsync(New(name, File.OpenRead(path)), cancellationToken).ConfigureAwait(false);
        return true;
    });

    /// <summary>Deletes an object, if there is one.</summary>
    public void Delete(string name, CancellationToken cancellationToken) => Do(name, "delete", cancellationToken, s3 => s3.DeleteObjectAsync(bucket, prefix + name, cancellationToken));

    // Without chunks, which not all services know. The stream is closed with the request.
    private PutObjectRequest New(string name, Stream content) => new() { BucketName = bucket, Key = prefix + name, InputStream = content, UseChunkEncoding = false };

    private async Task UploadParts(AmazonS3Client s3, string path, string name, CancellationToken cancellationToken)
    {
        var upload = (await s3.InitiateMultipartUploadAsync(bucket, prefix + name, cancellationToken).ConfigureAwait(false)).UploadId;
        try
        {
            var parts = new List<PartETag>();
            for (var (start, length) = (0L, new FileInfo(path).Length); start < length; start += PartBytes)
            {
                var part = await s3.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = bucket,
                        Key = prefix + name,
                        UploadId = upload,
                        PartNumber = parts.Count + 1,
                        FilePath = path,
                        FilePosition = start,
                        PartSize = Math.Min(PartBytes, length - start),
                        UseChunkEncoding = false,
                    },
                    cancellationToken).ConfigureAwait(false);
                parts.Add(new PartETag(parts.Count + 1, part.ETag));
            }

            _ = await s3.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = bucket, Key = prefix + name, UploadId = upload, PartETags = parts }, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await Abort(s3, name, upload).ConfigureAwait(false);
            throw;
        }
    }

    // The error that ended the upload is the one to report.
    private async Task Abort(AmazonS3Client s3, string name, string upload)
    {
        using var limit = new CancellationTokenSource(AbortLimit);
        try
        {
            _ = await s3.AbortMultipartUploadAsync(bucket, prefix + name, upload, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException or OperationCanceledException)
        {
            // The service keeps the parts until a rule of the bucket deletes them.
        }
    }

    // Without a name, it concerns the prefix.
    private T Do<T>(string? name, string action, CancellationToken cancellationToken, Func<AmazonS3Client, Task<T>> work)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return work(client.Value).GetAwaiter().GetResult();
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && e is not OperationCanceledException)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested
            && e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException or OperationCanceledException)
        {
            throw new IOException(Describe(name is null ? Name : $"{Name}/{name}", name is null ? "the objects under this prefix" : "this object", action, e), e);
        }
    }

    private static string Describe(string address, string what, string action, Exception problem) => problem switch
    {
        AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden } e => $"{address}: the service does not let these credentials {action} {what} ({e.ErrorCode}: {Trimmed(e)}). Check the credentials and their permissions.",
        AmazonS3Exception e => $"{address}: {Trimmed(e)}. Check the address, the credentials and the endpoint.",
        AmazonClientException or AmazonServiceException when problem.ToString().Contains("credentials", StringComparison.OrdinalIgnoreCase) =>
            $"{address}: There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`.",
        TimeoutException or OperationCanceledException => $"{address}: the service did not answer in time to {action} {what}. Check the connection and the endpoint.",
        _ => $"{address}: cannot {action} {what}: {Trimmed(problem)}. Check the address, the credentials and the endpoint.",
    };

    private static string Trimmed(Exception problem) => problem.Message.Split('\n')[0].TrimEnd('.', ' ', '\r');
}
