using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The record of a picture, from which it can be repeated: its recipe, those of its sources, and the measurements.</summary>
internal static class RunRecord
{
    /// <summary>The record.</summary>
    /// <param name="version">The picture.</param>
    /// <param name="find">Finds a version by id.</param>
    /// <param name="arguments">Returns the command-line options of a model for some prompts.</param>
    public static JsonObject Of(PictureVersion version, Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>, IReadOnlyList<string>> arguments)
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
            // p2p run can repeat a single command that needs no files of the studio.
            ["repeat"] = CommandFiles.Picture(version.Recipe, find) is null && CommandFiles.Mask(version.Recipe) is null && Chain(version, find).Count() <= 2
                ? new JsonArray([.. CommandLineText.Split(commands).Skip(1).Select(part => (JsonNode)part)]) : null,
        };
    }

    /// <summary>The text chunks of a picture file: AUTOMATIC1111's settings and the record.</summary>
    /// <inheritdoc cref="Of"/>
    public static IReadOnlyList<PngText> Texts(PictureVersion version, Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>, IReadOnlyList<string>> arguments) =>
    [
        new(GenerationParameters.Keyword, Parameters(version, find).ToString()),
        new(PngText.RecordKeyword, Of(version, find, arguments).ToJsonString(StudioJson.Options)),
    ];

    private static GenerationParameters Parameters(PictureVersion version, Func<string, PictureVersion> find)
    {
        var root = version.Recipe.Root(find);
        var sampling = root.Sampling();
        // An uploaded picture has no seed, and edits of an inpainted one follow the picture, not the inpainting run.
        var isFromNoise = root is DrawnRecipe || (root is InpaintedRecipe && version.Recipe == root);
        return GenerationParameters.Of(
            version.Recipe.Prompt, isFromNoise ? sampling.Negative : "", sampling.Steps, (sampling.Scheduler ?? SchedulerKind.Ddim).Label(), sampling.Guidance, isFromNoise ? sampling.Seed : null, new PixelSize(version.Facts.Width, version.Facts.Height), root.Model.Length == 0 ? null : root.Model,
            clipSkip: sampling.ClipSkip, editedFrom: version.Recipe is EditedRecipe edited ? find(edited.Source).Recipe.Prompt : null);
    }

    private static IEnumerable<PictureVersion> Chain(PictureVersion version, Func<string, PictureVersion> find) =>
        version.Recipe is EditedRecipe edited ? [.. Chain(find(edited.Source), find), version] : [version];
}
