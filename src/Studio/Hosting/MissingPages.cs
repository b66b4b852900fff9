using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using PromptToPrompt.Studio.Pages;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>Answers browsers that ask for an unknown address with a page. Programs, and everything below <c>/api</c>, get problem details.</summary>
internal sealed class MissingPages(RequestDelegate next)
{
    private const string Title = "p2p-missing", Unknown = "There is no such page.";

    // The framework marks answers of its pages with it, and does not send one with this status.
    private const string OfPages = "blazor-enhanced-nav";

    /// <summary>Reports that a page has nothing to show.</summary>
    /// <param name="context">The request of the page.</param>
    /// <param name="title">The missing thing.</param>
    public static void Report(HttpContext context, string title)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        context.Items[Title] = title;
    }

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        var (request, response) = (context.Request, context.Response);
        if (response is not { StatusCode: StatusCodes.Status404NotFound, HasStarted: false, ContentLength: null } || (response.ContentType is { } type && !type.StartsWith("text/html", StringComparison.Ordinal)))
            return;
        response.Headers.Remove(OfPages);
        response.ContentType = null;
        // The answer depends on who asks, and the address may exist later.
        response.Headers.Append(HeaderNames.Vary, HeaderNames.Accept);
        response.Headers.CacheControl = "no-store";
        if (IsOfBrowser(request))
            await Render(context, context.Items[Title] as string ?? Unknown);
    }

    // Services that a page was rendered with cannot be used again.
    private static async Task Render(HttpContext context, string title)
    {
        var before = context.RequestServices;
        await using var scope = before.CreateAsyncScope();
        context.RequestServices = scope.ServiceProvider;
        try
        {
            await new RazorComponentResult<MissingPage>(new { Title = title }) { StatusCode = StatusCodes.Status404NotFound }.ExecuteAsync(context);
        }
        finally
        {
            context.RequestServices = before;
        }
    }

    // Programs send */*, so it does not ask for a page.
    private static bool IsOfBrowser(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && !request.Path.StartsWithSegments("/api")
        && request.GetTypedHeaders().Accept.Any(accepted => accepted.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));
}
