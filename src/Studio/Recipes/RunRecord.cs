using System.Text.Json.Nodes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>What is written about a picture, so that it can be repeated: its recipe, those of its sources, and what was measured.</summary>
internal static class RunRecord
{
    /// <summary>The record.</summary>
    /// <param name="version">The picture.</param>
    /// <param name="find">Gives the version of an id.</param>
    /// <param name="arguments">Gives what a model was offered with besides its name.</param>
    public static JsonObject Of(PictureVersion version, Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>> arguments) => new()
    {
        ["picture"] = version.Picture,
        ["recipes"] = new JsonArray([.. Chain(version, find).Select(part => new JsonObject
        {
            ["version"] = part.Id,
            ["recipe"] = StudioJson.Node(part.Recipe),
            ["facts"] = StudioJson.Node(part.Facts),
        })]),
        ["command"] = new JsonArray([.. CommandLineText.Of(version, find, arguments).Split('\n').Select(line => (JsonNode)line)]),
    };

    private static IEnumerable<PictureVersion> Chain(PictureVersion version, Func<string, PictureVersion> find) =>
        version.Recipe is EditedRecipe edited ? [.. Chain(find(edited.Source), find), version] : [version];
}
