using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Recipes;

public sealed class CommandLineTextTests
{
    private static readonly DrawnRecipe House = new() { Prompt = "a house", Model = "castle", Steps = 20, LongPrompts = true, ClipSkip = 2 };

    [Fact]
    public void APictureSaysAllThatDecidedIt() => Assert.Equal(
        "p2p generate \"a house\" --model \"castle\" --lora \"a style.safetensors:0.7\" --vae-tiling --seed 0 --steps 20 --guidance 7.5 --scheduler ddim --long-prompts --guidance-rescale 0.7 --clip-skip 2",
        Of(House with { GuidanceRescale = 0.7 }));

    [Fact]
    public void AnEditOfItAsWell() => Assert.Contains(
        "p2p edit \"a house\" \"a castle\" --model \"castle\" --lora", Of(new EditedRecipe { Source = "1", Prompt = "a castle" }, House), StringComparison.Ordinal);

    [Fact]
    public void WhatIsInvertedNeedsNoMoreOptionsForItsEdits() => Assert.Equal(
        """
        p2p invert picture.png "a house" --model "castle" --lora "a style.safetensors:0.7" --vae-tiling --method direct --steps 50 --guidance 7.5 --clip-skip 1 -o inversion.safetensors
        p2p edit --inversion inversion.safetensors "a castle" --model "castle" --lora "a style.safetensors:0.7" --vae-tiling
        """,
        Of(new EditedRecipe { Source = "1", Prompt = "a castle" }, new InvertedRecipe { Picture = "p", Prompt = "a house", Model = "castle", Method = "direct", ClipSkip = 1 }));

    [Fact]
    public void WithLongPromptsItIsInvertedForItsEdit() => Assert.Equal(
        "p2p edit --image picture.png \"a house\" \"a castle\" --method direct --steps 50 --guidance 7.5 --long-prompts",
        Of(new EditedRecipe { Source = "1", Prompt = "a castle" }, new InvertedRecipe { Picture = "p", Prompt = "a house", Model = "storybook", Method = "direct", LongPrompts = true }));

    [Theory]
    [InlineData("masactrl", "--method masactrl --share-start 0.2 --subject \"house\"")]
    [InlineData("pnp", "--method pnp --feature-steps 0.5")]
    public void AMethodGoesWithItsOptions(string method, string options)
    {
        var edit = method == "pnp" ? new EditedRecipe { Source = "1", Prompt = "a castle", Method = method, FeatureSteps = 0.5 }
            : new EditedRecipe { Source = "1", Prompt = "a castle", Method = method, ShareStart = 0.2, Subject = "house" };
        Assert.EndsWith(options.Replace("\"", "", StringComparison.Ordinal), Of(edit, House).Replace("\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void EachConceptIsAnOptionOfItsOwn() => Assert.EndsWith(
        "--method \"ledits++\" --concept hat --concept=\"-red tree\" --warm-up 0.2",
        Of(new EditedRecipe { Source = "1", Prompt = "a house", Method = "ledits++", Concepts = ["hat", "-red tree"], WarmUp = 0.2 }, House), StringComparison.Ordinal);

    // The command's defaults for concepts are others than those of the page.
    [Fact]
    public void AnEditByConceptsStatesHowItsPictureWasInverted() => Assert.Contains(
        "--method edit-friendly+\"ledits++\" --steps 50 --guidance 7.5 --skip 0.36 --inversion-guidance 3.5",
        Of(new EditedRecipe { Source = "1", Prompt = "a castle", Method = "ledits++" }, new InvertedRecipe { Picture = "p", Prompt = "a house", Model = "storybook", Method = "edit-friendly", LongPrompts = true }),
        StringComparison.Ordinal);

    [Fact]
    public void TheGuidanceOfAnInversionIsStatedIfItIsGiven()
    {
        var inverted = new InvertedRecipe { Picture = "p", Prompt = "a house", Model = "storybook", Method = "edit-friendly", Skip = 0.15, InversionGuidance = 0 };
        var edit = new EditedRecipe { Source = "1", Prompt = "a castle", Method = "ledits++" };
        Assert.Equal("p2p invert picture.png \"a house\" --method edit-friendly --steps 50 --guidance 7.5 --skip 0.15 --inversion-guidance 0 -o inversion.safetensors", Of(inverted));
        Assert.Contains("--skip 0.15 --inversion-guidance 0 --long-prompts", Of(edit, inverted with { LongPrompts = true }), StringComparison.Ordinal);
    }

    [Fact]
    public void AMethodIsJoinedToThatOfTheInversion() => Assert.Contains(
        "--method direct+masactrl --steps 50",
        Of(new EditedRecipe { Source = "1", Prompt = "a castle", Method = "masactrl" }, new InvertedRecipe { Picture = "p", Prompt = "a house", Model = "storybook", Method = "direct", LongPrompts = true }),
        StringComparison.Ordinal);

    [Fact]
    public void ShiftedNoiseIsWrittenOut()
    {
        var edit = new EditedRecipe { Source = "1", Prompt = "a castle", Method = "turbo-edit", PseudoGuidance = 2 };
        var inverted = new InvertedRecipe { Picture = "p", Prompt = "a house", Model = "storybook", Method = "edit-friendly", Steps = 5, NoiseShift = 1 };
        Assert.Equal(
            """
            p2p invert picture.png "a house" --method edit-friendly --steps 5 --guidance 7.5 --skip 0.2 --noise-shift 1 --noise-limit 15.5 -o inversion.safetensors
            p2p edit --inversion inversion.safetensors "a castle" --method turbo-edit --pseudo-guidance 2
            """,
            Of(edit, inverted));
        Assert.Contains("--method edit-friendly+turbo-edit --steps 5 --guidance 7.5 --skip 0.2 --noise-shift 1 --noise-limit 15.5", Of(edit, inverted with { LongPrompts = true }), StringComparison.Ordinal);
        Assert.Contains("--method edit-friendly --steps 5 --guidance 7.5 -o", Of(edit, inverted with { NoiseShift = null }), StringComparison.Ordinal);
    }

    [Fact]
    public void AFeatherGoesWithItsMask() => Assert.EndsWith(
        "--mask mask.png --feather 2.5", Of(new EditedRecipe { Source = "1", Prompt = "a castle", Mask = "m", Feather = 2.5 }, House), StringComparison.Ordinal);

    [Fact]
    public void AShellTakesEveryValueAsItIs()
    {
        var edit = new EditedRecipe { Source = "1", Prompt = "a $HOME", CrossSteps = "$(id)=0.4", SelfSteps = "0.1..0.6", WordSteps = new Dictionary<string, string> { ["`id`"] = "0.5" }, Kind = "$x" };
        var command = Of(edit, House with { Model = "odd", Scheduler = "$y" });
        Assert.Contains("""--model "odd" "--lora=\$z" --vae-tiling --seed""", command, StringComparison.Ordinal);
        Assert.EndsWith(
            """--scheduler "\$y" --long-prompts --clip-skip 2 --kind "\$x" --cross-steps "\$(id)=0.4" --cross-steps "\`id\`=0.5" --self-steps 0.1..0.6""",
            command,
            StringComparison.Ordinal);
        Assert.Contains("\"a \\$HOME\"", command, StringComparison.Ordinal);
    }

    private static string Of(Recipe recipe, Recipe? source = null) =>
        CommandLineText.Of(Version("2", recipe), id => Version(id, source!), Arguments);

    private static IReadOnlyList<string> Arguments(string model, IReadOnlyList<string> prompts) => model switch
    {
        "castle" => ["--lora", "a style.safetensors:0.7", "--vae-tiling"],
        "odd" => ["--lora=$z", "--vae-tiling"],
        _ => [],
    };

    private static PictureVersion Version(string id, Recipe recipe) => new(id, "project", null, 1, recipe, "picture", new VersionFacts(), default);
}
