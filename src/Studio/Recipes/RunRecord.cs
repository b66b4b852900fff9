using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>What is written about a picture, so that it can be repeated: its recipe, those of its sources, and what was measured.</summary>
internal static class RunRecord
{
    /// <summary>The record.</summary>
    /// <param name="version">The picture.</param>
    /// <param name="find">Gives the version of an id.</param>
    /// <param name="arguments">Gives what a model was offered with besides its name.</param>
    public static JsonObject Of(PictureVersion version, Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>> arguments)
    {
        var commands = CommandLineText.Of(version, find, arguments);
        return new JsonObject
        {
            ["picture"] = version.Picture,
            ["recipes"] = new JsonArray([.. Chain(version, find).Select(part => new JsonObject
            {
                ["version"] = part.Id,
                ["recipe"] = StudioJson.Node(part.Recipe),
                ["facts"] = StudioJson.Node(part.Facts),
            })]),
            ["command"] = new JsonArray([.. commands.Split('\n').Select(line => (JsonNode)line)]),
            // One command that needs no files of the studio; p2p run repeats it.
            ["repeat"] = CommandFiles.Picture(version.Recipe, find) is null && CommandFiles.Mask(version.Recipe) is null && Chain(version, find).Count() <= 2
                ? new JsonArray([.. CommandLineText.Split(commands).Skip(1).Select(part => (JsonNode)part)]) : null,
        };
    }

    /// <summary>What a file of the picture says of it: settings as other programs write and read them, and the record.</summary>
    /// <inheritdoc cref="Of"/>
    public static IReadOnlyList<PngText> Texts(PictureVersion version, Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>> arguments) =>
    [
        new(GenerationParameters.Keyword, Parameters(version, find).ToString()),
        new(PngText.RecordKeyword, Of(version, find, arguments).ToJsonString(StudioJson.Options)),
    ];

    private static GenerationParameters Parameters(PictureVersion version, Func<string, PictureVersion> find)
    {
        var root = version.Recipe.Root(find);
        var sampling = root.Sampling();
        // A given picture has no seed, and edits of an inpainted one follow the picture, not how it was filled.
        var isFromNoise = root is DrawnRecipe || (root is InpaintedRecipe && version.Recipe == root);
        return GenerationParameters.Of(
            version.Recipe.Prompt, isFromNoise ? sampling.Negative : "", sampling.Steps, sampling.Sampler ?? SamplerKind.Ddim, sampling.Guidance, isFromNoise ? sampling.Seed : null, new PixelSize(version.Facts.Width, version.Facts.Height), root.Model.Length == 0 ? null : root.Model,
            clipSkip: sampling.ClipSkip, editedFrom: version.Recipe is EditedRecipe edited ? find(edited.Source).Recipe.Prompt : null);
    }

    private static IEnumerable<PictureVersion> Chain(PictureVersion version, Func<string, PictureVersion> find) =>
        version.Recipe is EditedRecipe edited ? [.. Chain(find(edited.Source), find), version] : [version];
}
