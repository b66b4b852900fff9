using System.Net;
using System.Security.Cryptography;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>
/// Downloads a file's content to <c>HASH.incomplete</c>, resuming an earlier attempt, and renames it to HASH once verified.
/// </summary>
/// <param name="client">The client.</param>
/// <param name="pause">Waits, and reports the reason.</param>
/// <param name="received">Receives the number of bytes of the file present so far.</param>
internal sealed class BlobDownload(HubClient client, Func<TimeSpan, string, CancellationToken, Task> pause, Action<long> received)
{
    private const int BufferSize = 1 << 18;

    /// <summary>An attempt that received at least this many bytes does not count as a failure.</summary>
    private const long Worthwhile = 1 << 20;

    private static readonly TimeSpan SilentTime = TimeSpan.FromSeconds(60);

    /// <summary>Path of a blob's incomplete file.</summary>
    public static string PartOf(string blob) => blob + ".incomplete";

    /// <summary>Downloads a file. The caller must hold its lock.</summary>
    /// <exception cref="InvalidInputException">The file is not available, or differs from what was announced.</exception>
    public async Task FetchAsync(HubFile file, string blob, CancellationToken cancellationToken)
    {
        while (!await TryFetchAsync(file, blob, cancellationToken).ConfigureAwait(false))
            received(0);
    }

    /// <returns>False if an earlier attempt had left damaged data, which is then deleted.</returns>
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
                        throw new InvalidInputException($"{file.Path}: the connection broke {failures} times ({reason}); {stream.Position} of {file.Size} bytes are kept. Try again to resume.");
                    await pause(RetryPause.After(failures), reason, cancellationToken).ConfigureAwait(false);
                }

                matches = file.Hash.IsThatOf(hash);
                stream.Flush(flushToDisk: true);
            }
            catch (DiskException e)
            {
                throw new InvalidInputException($"{part} cannot be written ({e.InnerException!.Message}). Free some space, then try again to resume.", e);
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
            $"{file.Path} does not match the hash that the hub announced, {file.Hash.Text}. It was deleted. Try again; if it fails again, do not trust the server."));
    }

    private static FileStream Open(string part)
    {
        try
        {
            return new FileStream(part, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{part} cannot be written ({e.Message}). Check the owner of the cache directory, or choose another one with HF_HUB_CACHE.", e);
        }
    }

    /// <summary>Hashes the existing data, leaving the stream at its end.</summary>
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
                throw new InvalidInputException($"{file.Path}: the server sent more than the {file.Size} bytes that it announced. Do not trust it.");
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

    /// <summary>Distinguishes disk errors from network errors.</summary>
    private sealed class DiskException(IOException inner) : Exception(inner.Message, inner);
}
