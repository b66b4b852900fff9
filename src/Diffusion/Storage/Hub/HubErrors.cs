using System.Net;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Translates the hub's error responses into errors with advice.</summary>
/// <param name="settings">The hub's address and the user's token.</param>
/// <param name="repository">The requested repository.</param>
/// <param name="revision">The requested revision.</param>
internal sealed class HubErrors(HubSettings settings, HubRepository repository, string revision)
{
    /// <summary>The error for an unsuccessful response.</summary>
    /// <param name="response">The response.</param>
    /// <param name="file">The requested file; null for the list of files.</param>
    public InvalidInputException Of(HttpResponseMessage response, string? file)
    {
        var code = response.Headers.TryGetValues("X-Error-Code", out var values) ? values.First() : "";
        var status = (int)response.StatusCode;
        return new InvalidInputException(response.StatusCode switch
        {
            HttpStatusCode.Unauthorized when code != "GatedRepo" && settings.Token is { } token =>
                $"{repository} does not exist, or {token} has no access to it (401). Check the name, and that the token is still valid.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when code == "GatedRepo" =>
                $"{repository} is gated ({status}). Accept its terms at {settings.Endpoint}{repository}, then set HF_TOKEN to a token from {settings.Endpoint}settings/tokens.",
            HttpStatusCode.Unauthorized =>
                $"{repository} does not exist, or is private or gated (401). Check the name, or set HF_TOKEN to a token from {settings.Endpoint}settings/tokens "
                + $"(for a gated model, accept its terms at {settings.Endpoint}{repository} first).",
            HttpStatusCode.Forbidden =>
                $"{repository} is not accessible (403): it is private or gated. Accept its terms, if any, at {settings.Endpoint}{repository}, and set HF_TOKEN to a token with read access.",
            HttpStatusCode.NotFound when code == "RevisionNotFound" || (code == "" && file is null && revision != HubRevision.Main) =>
                $"{repository} has no revision \"{revision}\" (404). Its revisions are listed at {settings.Endpoint}{repository}/tree/main.",
            HttpStatusCode.NotFound when file is not null && code is "EntryNotFound" or "" => $"{repository} has no file {file} at {revision} (404).",
            HttpStatusCode.NotFound => $"{settings.Endpoint.Host} has no model {repository} (404). Check the name.",
            HttpStatusCode.TooManyRequests =>
                $"{settings.Endpoint.Host} received too many requests from this machine (429){Later(response)}. Try again later; with HF_TOKEN set, more are allowed.",
            >= HttpStatusCode.InternalServerError => $"{settings.Endpoint.Host} had a server error ({status}). Try again later. Downloaded data is kept.",
            _ => $"{response.RequestMessage?.RequestUri?.GetLeftPart(UriPartial.Path)} returned status {status}. Check HF_ENDPOINT and the name {repository}.",
        });
    }

    private static string Later(HttpResponseMessage response) => RetryPause.Asked(response) is { } pause ? $" and requests a pause of {pause.TotalSeconds:F0} s" : "";
}
