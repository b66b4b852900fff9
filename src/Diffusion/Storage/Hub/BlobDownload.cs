using System.Net;
using System.Security.Cryptography;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Fetches the content of a file into <c>HASH.incomplete</c>, goes on where an earlier try stopped, and names it HASH when it is proven.</summary>
/// <param name="client">Where from.</param>
/// <param name="pause">Waits, and says why.</param>
/// <param name="received">Is told how much of the file is here.</param>
internal sealed class BlobDownload(HubClient client, Func<TimeSpan, string, CancellationToken, Task> pause, Action<long> received)
{
    private const int BufferSize = 1 << 18;

    /// <summary>A try that brought as much as this was worth it, and does not count.</summary>
    private const long Worthwhile = 1 << 20;

    private static readonly TimeSpan SilentTime = TimeSpan.FromSeconds(60);

    /// <summary>Name of the unfinished file of a blob.</summary>
    public static string PartOf(string blob) => blob + ".incomplete";

    /// <summary>Fetches a file. Whoever calls holds its lock.</summary>
    /// <exception cref="InvalidInputException">It cannot be had, or is not what was announced.</exception>
    public async Task FetchAsync(HubFile file, string blob, CancellationToken cancellationToken)
    {
        while (!await TryFetchAsync(file, blob, cancellationToken).ConfigureAwait(false))
            received(0);
    }

    /// <returns>False where what an earlier try left was damaged; it is deleted then.</returns>
    private async Task<bool> TryFetchAsync(HubFile file, string blob, CancellationToken cancellationToken)
    {
        var part = PartOf(blob);
        var matches = false;
        bool resumed;
        using (var stream = Open(part))
        {
            if (stream.Length > file.Size)
                stream.SetLength(0);
            resumed = stream.Length > 0;
            var hash = await HashAsync(stream, file, cancellationToken).ConfigureAwait(false);
            try
            {
                received(stream.Position);
                for (var failures = 0; stream.Position < file.Size;)
                {
                    var before = stream.Position;
                    string reason;
                    try
                    {
                        using var response = await client.OpenAsync(file, before, cancellationToken).ConfigureAwait(false);
                        if (before > 0 && response.StatusCode != HttpStatusCode.PartialContent)
                        {
                            stream.SetLength(0);
                            hash.Dispose();
                            hash = file.Hash.Start(file.Size);
                            (before, resumed) = (0, false);
                        }

                        await CopyAsync(response, stream, hash, file, cancellationToken).ConfigureAwait(false);
                        reason = "the connection ended early";
                    }
                    catch (Exception e) when (e is not DiskException && RetryPause.IsWorthwhile(e, cancellationToken))
                    {
                        reason = RetryPause.Reason(e);
                    }

                    if (stream.Position == file.Size)
                        break;
                    failures = stream.Position - before >= Worthwhile ? 1 : failures + 1;
                    if (failures == RetryPause.Attempts)
                        throw new InvalidInputException($"{file.Path}: the connection broke {failures} times ({reason}); {stream.Position} of {file.Size} bytes are kept, run the command again to go on.");
                    await pause(RetryPause.After(failures), reason, cancellationToken).ConfigureAwait(false);
                }

                matches = file.Hash.IsThatOf(hash);
                stream.Flush(flushToDisk: true);
            }
            catch (DiskException e)
            {
                throw new InvalidInputException($"{part} cannot be written ({e.InnerException!.Message}); make room, then run the command again to go on.", e);
            }
            finally
            {
                hash.Dispose();
            }
        }

        if (matches)
            File.Move(part, blob, overwrite: true);
        else
            File.Delete(part);
        return matches || (resumed ? false : throw new InvalidInputException(
            $"{file.Path} is not what the hub announced: its hash is not {file.Hash.Text}. It was deleted; try again, and mistrust the server if that does not help."));
    }

    private static FileStream Open(string part)
    {
        try
        {
            return new FileStream(part, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{part} cannot be written ({e.Message}); check who owns the cache folder, or choose another with HF_HUB_CACHE.", e);
        }
    }

    /// <summary>Hashes what is there already, and leaves the stream at its end.</summary>
    private static async Task<IncrementalHash> HashAsync(FileStream stream, HubFile file, CancellationToken cancellationToken)
    {
        var hash = file.Hash.Start(file.Size);
        var buffer = new byte[BufferSize];
        stream.Position = 0;
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            hash.AppendData(buffer, 0, read);
        return hash;
    }

    private async Task CopyAsync(HttpResponseMessage response, FileStream stream, IncrementalHash hash, HubFile file, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            silence.CancelAfter(SilentTime);
            var read = await body.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
            if (read == 0)
                return;
            if (stream.Position + read > file.Size)
                throw new InvalidInputException($"{file.Path}: the server sends more than the {file.Size} bytes it announced; mistrust it.");
            try
            {
                stream.Write(buffer, 0, read);
            }
            catch (IOException e)
            {
                throw new DiskException(e);
            }

            hash.AppendData(buffer, 0, read);
            received(stream.Position);
        }
    }

    /// <summary>Tells an error of the disk from one of the network.</summary>
    private sealed class DiskException(IOException inner) : Exception(inner.Message, inner);
}
