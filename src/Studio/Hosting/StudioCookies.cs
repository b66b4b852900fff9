using Microsoft.AspNetCore.Http;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>Names of the studio's cookies. Browsers send a cookie to all ports of its host, so the names contain the port.</summary>
internal static class StudioCookies
{
    private const int HttpPort = 80;
    private const int HttpsPort = 443;

    /// <summary>The cookie with the token.</summary>
    public static string Token(HttpRequest request) => Name("token", request);

    /// <summary>The cookie with the visitor's last project.</summary>
    public static string Project(HttpRequest request) => Name("project", request);

    private static string Name(string content, HttpRequest request) => $"p2p-{content}-{request.Host.Port ?? (request.IsHttps ? HttpsPort : HttpPort)}";
}
