using System.Net;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>What the hub's refusals mean, and what to do.</summary>
/// <param name="settings">Whom is asked, and as whom.</param>
/// <param name="repository">The repository that is asked for.</param>
/// <param name="revision">The revision of it.</param>
internal sealed class HubErrors(HubSettings settings, HubRepository repository, string revision)
{
    /// <summary>The error of a response that is no success.</summary>
    /// <param name="response">The response.</param>
    /// <param name="file">The file that was asked for; null for the list of files.</param>
    public InvalidInputException Of(HttpResponseMessage response, string? file)
    {
        var code = response.Headers.TryGetValues("X-Error-Code", out var values) ? values.First() : "";
        var status = (int)response.StatusCode;
        return new InvalidInputException(response.StatusCode switch
        {
            HttpStatusCode.Unauthorized when code != "GatedRepo" && settings.Token is { } token =>
                $"{repository} does not exist, or {token} may not see it (401); check the name, and that the token is still valid.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when code == "GatedRepo" =>
                $"{repository} is gated ({status}): accept its terms at {settings.Endpoint}{repository}, then set HF_TOKEN to a token from {settings.Endpoint}settings/tokens.",
            HttpStatusCode.Unauthorized =>
                $"{repository} does not exist, or is private or gated (401); check the name, or set HF_TOKEN to a token from {settings.Endpoint}settings/tokens "
                + $"(for a gated model, accept its terms at {settings.Endpoint}{repository} first).",
            HttpStatusCode.Forbidden =>
                $"{repository} is closed to you (403): it is private or gated. Accept its terms at {settings.Endpoint}{repository} where it has some, and set HF_TOKEN to a token that may read it.",
            HttpStatusCode.NotFound when code == "RevisionNotFound" || (code == "" && file is null && revision != HubRevision.Main) =>
                $"{repository} has no revision \"{revision}\" (404); look at {settings.Endpoint}{repository}/tree/main for the ones it has.",
            HttpStatusCode.NotFound when file is not null && code is "EntryNotFound" or "" => $"{repository} has no file {file} at {revision} (404).",
            HttpStatusCode.NotFound => $"{settings.Endpoint.Host} has no model {repository} (404); check the name.",
            HttpStatusCode.TooManyRequests =>
                $"{settings.Endpoint.Host} has had too many requests from here (429){Later(response)}; try again then. With HF_TOKEN set, more are allowed.",
            >= HttpStatusCode.InternalServerError => $"{settings.Endpoint.Host} is in trouble ({status}); try again later. What was fetched is kept.",
            _ => $"{response.RequestMessage?.RequestUri?.GetLeftPart(UriPartial.Path)} answers {status}; check HF_ENDPOINT and the name {repository}.",
        });
    }

    private static string Later(HttpResponseMessage response) => RetryPause.Asked(response) is { } pause ? $" and wants a pause of {pause.TotalSeconds:F0} s" : "";
}
