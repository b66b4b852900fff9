using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Recipes;

public sealed class CommandFilesTests
{
    private static readonly Dictionary<string, Recipe> Recipes = new()
    {
        ["drawn"] = new DrawnRecipe { Prompt = "a house" },
        ["given"] = new InvertedRecipe { Picture = "a picture", Prompt = "a house" },
        ["long"] = new InvertedRecipe { Picture = "a picture", Prompt = "a house", LongPrompts = true },
        ["filled"] = new InpaintedRecipe { Picture = "a picture", Mask = "a mask", Prompt = "a house" },
        ["of drawn"] = new EditedRecipe { Source = "drawn", Prompt = "a castle" },
        ["of given"] = new EditedRecipe { Source = "given", Prompt = "a castle", Mask = "a mask" },
        ["of long"] = new EditedRecipe { Source = "long", Prompt = "a castle", Mask = "a mask" },
        ["of filled"] = new EditedRecipe { Source = "filled", Prompt = "a castle", Mask = "a mask" },
        ["of an edit"] = new EditedRecipe { Source = "of given", Prompt = "a tower" },
    };

    public static TheoryData<string> Names => [.. Recipes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheyAreThoseThatTheCommandsName(string name)
    {
        var command = CommandLineText.Of(Version(name), Version);
        Assert.Equal(command.Contains("picture.png", StringComparison.Ordinal) ? "a picture" : null, CommandFiles.Picture(Recipes[name], Version));
        Assert.Equal(command.Contains("mask.png", StringComparison.Ordinal) ? "a mask" : null, CommandFiles.Mask(Recipes[name]));
    }

    private static PictureVersion Version(string id) => new(id, "project", null, 1, Recipes[id], "picture", new VersionFacts(), default);
}
