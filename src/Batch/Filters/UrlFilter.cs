using System.Text;

namespace PromptToPrompt.Batch.Filters;

/// <summary>An HTTP endpoint as a filter: each pair is posted to it as JSON.</summary>
/// <param name="url">Its address.</param>
internal sealed class UrlFilter(Uri url) : AskingFilter
{
    // The question has a limit of its own.
    private readonly HttpClient http = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <inheritdoc/>
    protected override string Name => url.ToString();

    /// <inheritdoc/>
    public override void Dispose()
    {
        http.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task<string?> AskAsync(string question, CancellationToken cancellationToken)
    {
        using var content = new StringContent(question, Encoding.UTF8, "application/json");
        try
        {
            using var response = await http.PostAsync(url, content, cancellationToken).ConfigureAwait(false);
            var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? text : throw new IOException($"The filter {Name} answered with status {(int)response.StatusCode}.");
        }
        catch (HttpRequestException e) when (!HasAnswered && e.HttpRequestError is (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError))
        {
            throw new FilterStartException($"The filter {Name} cannot be reached: {e.Message} Start its server, or correct the address. Finished items are kept.", e);
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"The filter {Name} cannot be reached: {e.Message}", e);
        }
    }
}
