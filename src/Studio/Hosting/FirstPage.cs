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
/// The address without a project: the visitor's last one, or a new one with a first picture in it. Other projects are opened by way of here, so that
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

    // What was drawn with in the visitor's last project is what they like to draw with; only the noise is another matter.
    private static Project Begin(string? last, StudioStore store, StudioEngine engine, StudioOptions options)
    {
        var usual = PictureSettings.For(engine.Models[0], options.DefaultSteps);
        var liked = last is null ? null : store.Versions(last).Select(version => version.Recipe).OfType<DrawnRecipe>().LastOrDefault(drawn => engine.Models.Contains(drawn.Model));
        var settings = liked is null ? usual : PictureSettings.Of(liked) with { Seed = usual.Seed };
        var project = store.CreateProject("Untitled pictures");
        try
        {
            engine.Submit(project.Id, null, settings.Draw(Suggestions.FirstPrompt));
        }
        catch (QueueFullException)
        {
            // The page then opens with a line to write in.
        }

        return project;
    }
}
