using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>
/// Access control. A page of another site must not reach the studio through the user's browser, so requests must name
/// the studio as their host (against DNS rebinding) and as their origin, and come from no other site. A token, if set, is passed once as <c>?token=</c> and then kept in a cookie;
/// programs send it as a bearer token.
/// </summary>
internal sealed class Gatekeeper(RequestDelegate next, StudioOptions options)
{
    private const string TokenParameter = "token";
    private const string AnonymousKey = "p2p-anonymous";
    private const string Policy =
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

    /// <summary>Whether a request has no token although the studio requires one. Only the health check answers such requests.</summary>
    public static bool IsAnonymous(HttpContext context) => context.Items.ContainsKey(AnonymousKey);

    public Task InvokeAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        if (!IsOwnHost(request) || !ComesFromAcceptedSite(request) || !NamesOwnOrigin(request))
            return Refuse(response, StatusCodes.Status403Forbidden);
        if (options.Token is not { } token)
            return next(context);
        if (request.Query.TryGetValue(TokenParameter, out var shown) && Equal(shown, token))
        {
            response.Cookies.Append(StudioCookies.Token(request), token, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = request.IsHttps });
            response.Redirect(WithoutToken(request));
            return Task.CompletedTask;
        }

        var bearer = request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var given] ? given : null;
        if (Equal(request.Cookies[StudioCookies.Token(request)], token) || Equal(bearer, token))
            return next(context);
        if (request.Path != "/health")
            return Refuse(response, StatusCodes.Status401Unauthorized);
        context.Items[AnonymousKey] = true;
        return next(context);
    }

    private static Task Refuse(HttpResponse response, int status)
    {
        response.StatusCode = status;
        response.ContentType = "text/plain; charset=utf-8";
        return response.WriteAsync(status == StatusCodes.Status401Unauthorized
            ? "This studio requires its token. Open the address that it printed at startup."
            : "This studio does not accept requests for that host name or from that page.");
    }

    private static bool Equal(string? given, string token) =>
        given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token));

    private bool IsOwnHost(HttpRequest request) =>
        !IPAddress.IsLoopback(options.Address) || request.Host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    // Pictures, scripts and frames of another site carry no origin, but browsers send Sec-Fetch-Site. Another site may link to a project,
    // not to the entrance.
    private static bool ComesFromAcceptedSite(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        return request.Path == "/" || request.Path.StartsWithSegments("/new")
            ? site is "" or "same-origin" or "none"
            : site != "cross-site" || request.Headers["Sec-Fetch-Dest"] == "document";
    }

    private static bool NamesOwnOrigin(HttpRequest request) =>
        request.Headers.Origin.Count == 0
        || (Uri.TryCreate(request.Headers.Origin, UriKind.Absolute, out var origin) && origin.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));

    // A path that begins with two slashes, or a slash and a backslash, would name another host.
    private static string WithoutToken(HttpRequest request) => UriHelper.BuildRelative(
        path: "/" + request.Path.Value!.TrimStart('/', '\\'),
        query: QueryString.Create(request.Query.Where(pair => !pair.Key.Equals(TokenParameter, StringComparison.OrdinalIgnoreCase))));
}
