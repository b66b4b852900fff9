using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>The presets over HTTP.</summary>
internal static class PresetApi
{
    public static void MapPresets(this IEndpointRouteBuilder api)
    {
        api.MapGet("/presets", (StudioStore store) => store.Presets.All()).WithSummary("The presets: settings of pictures under a name.");
        api.MapPut("/presets", Save).WithSummary("Saves the settings of a picture under a name, without prompt and seed; replaces a preset of that name.").ProducesProblem(400);
        api.MapDelete("/presets", Remove).WithSummary("Deletes a preset.").ProducesProblem(404);
    }

    // Names may have slashes, so they are not part of the path.
    private static Ok<Preset> Save(string name, JsonBody<DrawnRecipe> body, StudioEngine engine) => TypedResults.Ok(engine.SavePreset(Names.Project(name), body.Value));

    private static Results<NoContent, ProblemHttpResult> Remove(string name, StudioStore store) =>
        store.Presets.Remove(name) ? TypedResults.NoContent() : StudioApi.Missing("preset", name);
}
