using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>
/// The root address: redirects to the visitor's last project, or to the page of a new one. Projects are opened through here, so that the last
/// one is known.
/// </summary>
internal static class FirstPage
{
    public static void MapFirstPage(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", (HttpContext context, StudioStore store) => Open(context.Request.Cookies[StudioCookies.Project(context.Request)], "/new", context, store)).ExcludeFromDescription();
        app.MapGet("/open/{id}", (string id, HttpContext context, StudioStore store) => Open(id, "/", context, store)).ExcludeFromDescription();
    }

    private static IResult Open(string? id, string otherwise, HttpContext context, StudioStore store)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (id is null || store.FindProject(id) is null)
            return TypedResults.Redirect(otherwise);
        context.Response.Cookies.Append(
            StudioCookies.Project(context.Request), id, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax, MaxAge = TimeSpan.FromDays(365), IsEssential = true });
        return TypedResults.Redirect($"/p/{id}");
    }
}
