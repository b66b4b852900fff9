using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Api;

/// <summary>Adding and removing LoRAs over HTTP.</summary>
internal static class LoraApi
{
    public static void MapLoras(this IEndpointRouteBuilder api)
    {
        api.MapPost("/loras", Add).WithSummary("Adds a LoRA to a model; the request body is the .safetensors file.").Accepts<byte[]>("application/octet-stream").ProducesProblem(400).ProducesProblem(413).ProducesProblem(429).ProducesProblem(507);
        api.MapDelete("/loras/{name}", Remove).WithSummary("Removes a LoRA that was added to a model.").ProducesProblem(404);
    }

    private static async Task<Created<LoraAnswer>> Add(string file, HttpContext context, StudioEngine engine, StudioOptions options, string? model = null)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = options.MaxLoraBytes;
        var lora = await engine.AddLora(ModelApi.OrDefault(engine, model), file, context.Request.Body, context.RequestAborted);
        return TypedResults.Created($"/api/loras/{Uri.EscapeDataString(lora)}", new LoraAnswer(lora, 0));
    }

    private static Results<NoContent, ProblemHttpResult> Remove(string name, StudioEngine engine, string? model = null)
    {
        var of = ModelApi.OrDefault(engine, model);
        return engine.Catalog.Find(of) is not null && engine.RemoveLora(of, name) ? TypedResults.NoContent() : StudioApi.Missing("added LoRA", name);
    }
}
