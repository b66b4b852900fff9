using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;
using static PromptToPrompt.Studio.Api.StudioApi;

namespace PromptToPrompt.Studio.Api;

/// <summary>Downloads of a version besides its picture.</summary>
internal static class VersionFiles
{
    public static void MapVersionFiles(this IEndpointRouteBuilder api)
    {
        api.MapGet("/versions/{id}/attention", Attention).WithSummary("Attention maps of each word, averaged and per step.").Produces<AttentionRecord>().ProducesProblem(404);
        api.MapGet("/versions/{id}/own-size.png", OwnSized).WithSummary("Leads to the picture of a version that began with an uploaded one; it has that one's size.")
            .Produces(302).ProducesProblem(404);
        api.MapGet("/versions/{id}/mask.png", Mask).WithSummary("The mask for the version's command.").Produces(200, contentType: "image/png").ProducesProblem(404);
        api.MapGet("/versions/{id}/run.json", Record).WithSummary("Everything needed to repeat a version.");
        api.MapGet("/versions/{id}/command", Command).WithSummary("Command lines that make the same picture.").Produces<string>(200, "text/plain").ProducesProblem(404);
        api.MapGet("/versions/{id}/inversion.safetensors", Inversion).WithSummary("The inversion of a version, for the command line and the library; of an edit, once it has been edited further.")
            .Produces(200, contentType: "application/octet-stream").ProducesProblem(404);
    }

    private static IResult Attention(string id, StudioStore store, HttpContext context)
    {
        if (store.Maps(id) is not { } maps)
            return Missing(store, "version with attention maps", id);
        context.Response.Headers.CacheControl = CacheForever;
        return TypedResults.Bytes(maps, "application/json");
    }

    private static IResult OwnSized(string id, StudioStore store) => store.FindVersion(id) is { Facts.Output: not null } version
        ? TypedResults.Redirect($"/api/pictures/{version.Picture}.png") : Missing(store, "version with a size of its own", id);

    private static async Task<IResult> Mask(string id, StudioStore store, DecodingGate gate, HttpContext context)
    {
        if (store.FindVersion(id) is not { } version || CommandFiles.Mask(version.Recipe) is not { } mask)
            return Missing(store, "version with a brushed mask", id);
        context.Response.Headers.CacheControl = CacheForever;
        var png = await gate.Run(() => AsRead(store.Pictures.ReadMask(mask), version, store).ToPng(), context.RequestAborted);
        return TypedResults.Bytes(png, "image/png");
    }

    // Of the size of the command's input picture, which is that of the version.
    private static Image AsRead(Image mask, PictureVersion version, StudioStore store) => VersionFraming.Of(version, store)?.RestoreMask(mask)
        ?? Diffusion.Images.Mask.Fit(mask, new PixelSize(version.Facts.Width, version.Facts.Height));

    private static IResult Record(string id, StudioStore store, StudioEngine engine) =>
        store.FindVersion(id) is { } version ? TypedResults.Ok(RunRecord.Of(version, store.Version, engine.Catalog.ArgumentsOf)) : Missing(store, "version", id);

    private static IResult Command(string id, StudioStore store, StudioEngine engine) =>
        store.FindVersion(id) is { } version ? TypedResults.Text(CommandLineText.Of(version, store.Version, engine.Catalog.ArgumentsOf)) : Missing(store, "version", id);

    private static IResult Inversion(string id, StudioStore store)
    {
        var path = store.FindVersion(id) is null ? null : store.InversionFile(store.KeyOf(id));
        return File.Exists(path) ? TypedResults.PhysicalFile(path, "application/octet-stream", "inversion.safetensors") : Missing(store, "inversion of the version", id);
    }
}
