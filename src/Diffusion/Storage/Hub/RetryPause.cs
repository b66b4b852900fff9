using System.Net;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Decides whether to retry a request, and after which pause.</summary>
internal static class RetryPause
{
    /// <summary>Maximum number of attempts per request.</summary>
    public const int Attempts = 5;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>The pause after an attempt without a response: 1, 2, 4, … seconds.</summary>
    /// <param name="attempt">Number of the attempt, from 1.</param>
    public static TimeSpan After(int attempt) => TimeSpan.FromSeconds(1 << (attempt - 1));

    /// <summary>The pause after a response; null if it is final.</summary>
    public static TimeSpan? After(HttpResponseMessage response, int attempt) => response.StatusCode switch
    {
        HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable when Asked(response) is { } asked => asked <= Longest ? asked : null,
        HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError => After(attempt),
        _ => null,
    };

    /// <summary>The pause that a server requests.</summary>
    public static TimeSpan? Asked(HttpResponseMessage response)
    {
        if (response.Headers.RetryAfter is not { } after)
            return null;
        // A date is relative to the server's own clock, which may differ from the local one.
        var pause = after.Delta ?? (after.Date - response.Headers.Date);
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    /// <summary>Whether an exception is a network error that may be temporary.</summary>
    public static bool IsWorthwhile(Exception error, CancellationToken cancellationToken) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => false,
        HttpRequestException or IOException => true,
        // The request timed out, and was not canceled by the user.
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => false,
    };

    /// <summary>A short description of a network error.</summary>
    public static string Reason(Exception error) => error is OperationCanceledException ? "timeout" : error.Message.TrimEnd('.');
}
