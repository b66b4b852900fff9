using System.Net;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>When a request is worth another try, and after how long.</summary>
internal static class RetryPause
{
    /// <summary>Tries of one request.</summary>
    public const int Attempts = 5;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>The pause after a try that got no answer: 1, 2, 4, … seconds.</summary>
    /// <param name="attempt">Number of the try, from 1.</param>
    public static TimeSpan After(int attempt) => TimeSpan.FromSeconds(1 << (attempt - 1));

    /// <summary>The pause after a response; null where it is final.</summary>
    public static TimeSpan? After(HttpResponseMessage response, int attempt) => response.StatusCode switch
    {
        HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable when Asked(response) is { } asked => asked <= Longest ? asked : null,
        HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError => After(attempt),
        _ => null,
    };

    /// <summary>The pause that a server asks for.</summary>
    public static TimeSpan? Asked(HttpResponseMessage response)
    {
        if (response.Headers.RetryAfter is not { } after)
            return null;
        // A date counts from the server's own clock, which need not agree with ours.
        var pause = after.Delta ?? (after.Date - response.Headers.Date);
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    /// <summary>Whether an exception is the network's, and may not happen again.</summary>
    public static bool IsWorthwhile(Exception error, CancellationToken cancellationToken) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => false,
        HttpRequestException or IOException => true,
        // The time limit of a request, not the user.
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => false,
    };

    /// <summary>What an exception of the network says, in a few words.</summary>
    public static string Reason(Exception error) => error is OperationCanceledException ? "no answer in time" : error.Message.TrimEnd('.');
}
