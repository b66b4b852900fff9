using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The hub's HTTP protocol for one revision of one repository. All server data is validated.</summary>
internal sealed class HubClient : IDisposable
{
    private const int MaxRedirects = 10;
    private const int MaxListingLength = 32 << 20;
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(60);

    // Redirects are followed manually: the token must not be sent to other hosts, and the first response has the required headers.
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = ConnectTime }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly HubSettings settings;
    private readonly HubRepository repository;
    private readonly HubErrors errors;
    private readonly string revision;
    private readonly Func<TimeSpan, string, CancellationToken, Task> pause;

    /// <summary>Creates the client.</summary>
    /// <param name="settings">The hub's address and the user's token.</param>
    /// <param name="repository">The repository.</param>
    /// <param name="revision">Its branch, tag or commit.</param>
    /// <param name="pause">Waits, and reports the reason.</param>
    public HubClient(HubSettings settings, HubRepository repository, string revision, Func<TimeSpan, string, CancellationToken, Task> pause)
    {
        (this.settings, this.repository, this.revision, this.pause) = (settings, repository, revision, pause);
        errors = new HubErrors(settings, repository, revision);
    }

    /// <summary>Lists the files of the revision.</summary>
    public async Task<HubListing> ListAsync(CancellationToken cancellationToken)
    {
        var address = new Uri(settings.Endpoint, $"api/models/{repository}/revision/{Uri.EscapeDataString(revision)}");
        using var response = await SendAsync(HttpMethod.Get, address, file: null, from: 0, cancellationToken).ConfigureAwait(false);
        using var limit = new CancellationTokenSource(AnswerTime);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var text = new MemoryStream();
        var buffer = new byte[1 << 16];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (await body.ReadAsync(buffer, either.Token).ConfigureAwait(false) is var read and > 0)
            {
                text.Write(buffer.AsSpan(0, read));
                if (text.Length > MaxListingLength)
                    throw new InvalidInputException($"{address} sends an endless response. Check HF_ENDPOINT.");
            }
        }
        catch (Exception e) when (RetryPause.IsWorthwhile(e, cancellationToken))
        {
            throw new InvalidInputException($"{address} stopped responding ({RetryPause.Reason(e)}). Try again.", e);
        }

        return HubListing.Parse(text.ToArray(), address);
    }

    /// <summary>Looks up a file's size and hash without downloading it.</summary>
    public async Task<HubFile> LookUpAsync(string commit, string path, CancellationToken cancellationToken)
    {
        var address = new Uri(settings.Endpoint, $"{repository}/resolve/{commit}/{HubPath.Escape(path)}");
        using var response = await SendAsync(HttpMethod.Head, address, path, from: 0, cancellationToken).ConfigureAwait(false);
        if (Header(response, "X-Repo-Commit") is { } actual && actual != commit)
            throw new InvalidInputException($"{address} returned another commit ({Shown(actual)}). Check HF_ENDPOINT.");
        var hash = ContentHash.OfTag(Header(response, "X-Linked-ETag") ?? Header(response, "ETag"))
            ?? throw new InvalidInputException($"{address} has no hash, so it could not be verified. Check HF_ENDPOINT.");
        var size = long.TryParse(Header(response, "X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out var linked)
            ? linked
            : response.Content.Headers.ContentLength ?? -1;
        return size >= 0 ? new HubFile(path, address, size, hash) : throw new InvalidInputException($"{address} has no size. Check HF_ENDPOINT.");
    }

    /// <summary>Starts downloading a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="from">Offset of the first byte to download.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>A response from that offset (206), or from the start (200) if the server does not support ranges.</returns>
    public async Task<HttpResponseMessage> OpenAsync(HubFile file, long from, CancellationToken cancellationToken)
    {
        var response = await SendAsync(HttpMethod.Get, file.Address, file.Path, from, cancellationToken).ConfigureAwait(false);
        var start = response.StatusCode == HttpStatusCode.PartialContent ? from : 0;
        var wrong = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From != from ? "a different range than requested"
            : response.Content.Headers.ContentLength is { } length && length != file.Size - start ? $"{length} bytes instead of the announced {file.Size - start}"
            : null;
        if (wrong is null)
            return response;
        response.Dispose();
        throw new InvalidInputException($"{file.Path} of {repository}: the server sent {wrong}. Try again, or check HF_ENDPOINT.");
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values) ? values.First() : null;

    private static string Shown(string text) => new([.. text.Where(char.IsAsciiLetterOrDigit).Take(40)]);

    /// <summary>Sends a request, with retries, until it succeeds.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, string? file, long from, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan wait;
            string reason;
            try
            {
                var response = await FollowAsync(method, address, from, cancellationToken).ConfigureAwait(false);
                if (response.IsSuccessStatusCode || (method == HttpMethod.Head && Header(response, "X-Linked-ETag") is not null && (int)response.StatusCode < 400))
                    return response;
                using (response)
                {
                    wait = attempt < RetryPause.Attempts && RetryPause.After(response, attempt) is { } after ? after : throw errors.Of(response, file);
                    reason = response.StatusCode == HttpStatusCode.TooManyRequests ? "too many requests (429)" : $"server error ({(int)response.StatusCode})";
                }
            }
            catch (Exception e) when (RetryPause.IsWorthwhile(e, cancellationToken))
            {
                if (attempt == RetryPause.Attempts)
                    throw new InvalidInputException($"{settings.Endpoint.Host} cannot be reached ({RetryPause.Reason(e)}). Check the connection and HF_ENDPOINT. Downloaded data is kept.", e);
                (wait, reason) = (RetryPause.After(attempt), RetryPause.Reason(e));
            }
            catch (HttpRequestException e)
            {
                throw new InvalidInputException($"{settings.Endpoint.Host} cannot be reached securely ({e.InnerException?.Message ?? e.Message}). Check the system's certificates and HF_ENDPOINT.", e);
            }

            await pause(wait, reason, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<HttpResponseMessage> FollowAsync(HttpMethod method, Uri address, long from, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerTime);
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(method, address);
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("p2p", typeof(HubClient).Assembly.GetName().Version?.ToString(3)));
            // Sizes are those of the files, not of compressed responses.
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
            if (from > 0)
                request.Headers.Range = new RangeHeaderValue(from, null);
            if (settings.Token is { } token && IsHub(address))
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Text);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308)
                || response.Headers.Location is not { } location
                || (method == HttpMethod.Head && Header(response, "X-Linked-ETag") is not null))
            {
                return response;
            }

            response.Dispose();
            if (!Uri.TryCreate(address, location, out var next))
                throw new InvalidInputException($"{address.GetLeftPart(UriPartial.Path)} redirects to an invalid address. Check HF_ENDPOINT.");
            if (next.Scheme is not ("http" or "https") || (address.Scheme == "https" && next.Scheme != "https"))
                throw new InvalidInputException($"{address.GetLeftPart(UriPartial.Path)} redirects to an insecure address ({next.Scheme}). Check HF_ENDPOINT.");
            address = next;
        }

        throw new InvalidInputException($"{settings.Endpoint.Host} redirects endlessly. Check HF_ENDPOINT.");
    }

    private bool IsHub(Uri address) => Uri.Compare(address, settings.Endpoint, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
