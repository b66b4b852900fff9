using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>
/// The root address: redirects to the visitor's last project, or to a new one with a first picture. Other projects are opened through here, so that
/// the last one is known.
/// </summary>
internal static class FirstPage
{
    private const string Cookie = "p2p-project";

    public static void MapFirstPage(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", (HttpContext context, StudioStore store, StudioEngine engine, StudioOptions options) =>
            Open(context, context.Request.Cookies[Cookie] is { } last && store.FindProject(last) is { } project ? project : Begin(null, store, engine, options))).ExcludeFromDescription();
        app.MapGet("/new", (HttpContext context, StudioStore store, StudioEngine engine, StudioOptions options, string? after = null) =>
            Open(context, Begin(after ?? context.Request.Cookies[Cookie], store, engine, options))).ExcludeFromDescription();
        app.MapGet("/open/{id}", (string id, HttpContext context, StudioStore store) => store.FindProject(id) is { } project ? Open(context, project) : TypedResults.Redirect("/")).ExcludeFromDescription();
    }

    private static IResult Open(HttpContext context, Project project)
    {
        context.Response.Cookies.Append(Cookie, project.Id, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax, MaxAge = TimeSpan.FromDays(365), IsEssential = true });
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Redirect($"/p/{project.Id}");
    }

    // Keep the settings of the visitor's last project, but not its seed.
    private static Project Begin(string? last, StudioStore store, StudioEngine engine, StudioOptions options)
    {
        var usual = PictureSettings.For(engine.Models[0], options.DefaultSteps);
        var liked = last is null ? null : store.Versions(last).Select(version => version.Recipe).OfType<DrawnRecipe>().LastOrDefault(drawn => engine.Models.Contains(drawn.Model));
        var settings = liked is null ? usual : PictureSettings.Of(liked) with { Seed = usual.Seed };
        var project = store.CreateProject("Untitled pictures");
        try
        {
            engine.Submit(project.Id, null, settings with { Prompt = Suggestions.FirstPrompt });
        }
        catch (QueueFullException)
        {
            // The page then opens with the prompt field.
        }

        return project;
    }
}
