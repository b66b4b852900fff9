using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Recipes;

public sealed class RecipeTests
{
    /// <summary>As the first studio stored them. The text decides a key, so it must not change.</summary>
    [Theory]
    [InlineData("""{"type":"drawn","model":"storybook","negative":"","seed":4,"steps":3,"guidance":5,"scheduler":"ddim","prompt":"a white house in a field"}""")]
    [InlineData("""{"type":"edited","source":"6de19288f9894434","kind":"auto","crossSteps":"0.8","wordSteps":{"red":"0.5"},"selfSteps":"0.4","blend":"","blendThreshold":0.3,"mask":null,"prompt":"a red house in a field"}""")]
    [InlineData("""{"type":"inverted","model":"storybook","picture":"23b35d9259c39190733f7edb83cb57ed","method":"direct","steps":3,"guidance":7.5,"innerSteps":10,"frame":"crop","prompt":"a house"}""")]
    [InlineData("""{"type":"inpainted","model":"storybook","picture":"23b35d92","mask":"23b35d92","negative":"","seed":0,"steps":3,"guidance":7.5,"strength":1,"prompt":"a house"}""")]
    public void StoredRecipesReadAndWriteAsTheyWere(string json) => Assert.Equal(json, StudioJson.Write(StudioJson.Read<Recipe>(json)));

    [Fact]
    public void WhatWasAddedCountsWhereItIsNotAsUsual()
    {
        var house = new DrawnRecipe { Prompt = "a house" };
        string[] keys = [RecipeKey.Of(house, ""), RecipeKey.Of(house with { LongPrompts = true }, ""), RecipeKey.Of(house with { ClipSkip = 1 }, ""), RecipeKey.Of(house with { GuidanceRescale = 0.7 }, "")];
        Assert.Equal(4, keys.Distinct().Count());
        var read = StudioJson.Read<Recipe>(StudioJson.Write<Recipe>(house with { LongPrompts = true, ClipSkip = 1, GuidanceRescale = 0.7 }));
        Assert.Equal(house with { LongPrompts = true, ClipSkip = 1, GuidanceRescale = 0.7 }, read);
        Assert.Equal(0.7, ((DrawnRecipe)read).Sampling().GuidanceRescale);
    }

    [Fact]
    public void AMethodTakesItsOwnOptionsOnly()
    {
        var edit = new EditedRecipe { Source = "s", Prompt = "a house" };
        Assert.Equal(new PromptToPromptMethod(), edit.Request(null).Method);
        Assert.Equal(new MasaCtrl { ShareStart = 0.2 }, (edit with { Method = "masactrl", ShareStart = 0.2 }).Request(null).Method);
        Assert.Equal(new PlugAndPlay { FeatureSteps = 0.5 }, (edit with { Method = "pnp", FeatureSteps = 0.5 }).Request(null).Method);
        Assert.Equal(new UniEdit { Strength = 3, EditDepth = 0.8 }, (edit with { Method = "uni-edit", Strength = 3, EditDepth = 0.8 }).Request(null).Method);
        Assert.Equal(new LeditsPlusPlus { ConceptScale = 3, WarmUp = 0.2, MaskQuantile = 0.8 }, (edit with { Method = "ledits++", ConceptScale = 3, WarmUp = 0.2, MaskQuantile = 0.8 }).Request(null).Method);
        Assert.Equal([new("hat") { Scale = 3 }, new("tree", IsRemoved: true)], Assert.IsType<LeditsPlusPlus>((edit with { Method = "ledits++", Concepts = ["hat=3", "-tree"] }).Request(null).Method).Concepts);
        Assert.Equal(nameof(EditedRecipe.Concepts), Assert.Throws<InvalidInputException>(() => (edit with { Method = "ledits++", Concepts = [null!] }).Request(null)).Setting);
        Assert.Equal(new TurboEdit { PseudoGuidance = 2 }, (edit with { Method = "turbo-edit", PseudoGuidance = 2 }).Request(null).Method);
        Assert.Equal(new InfEdit { CrossPart = 0.5, SelfPart = 0.4 }, (edit with { Method = "infedit", CrossPart = 0.5, SelfPart = 0.4 }).Request(null).Method);
        Assert.Equal(nameof(EditedRecipe.SelfPart), Assert.Throws<InvalidInputException>(() => (edit with { Method = "uni-edit", SelfPart = 0.2 }).Request(null)).Setting);
        Assert.Equal(nameof(EditedRecipe.ShareStart), Assert.Throws<InvalidInputException>(() => (edit with { Method = "pnp", ShareStart = 0.2 }).Request(null)).Setting);
        Assert.Equal(nameof(EditedRecipe.Strength), Assert.Throws<InvalidInputException>(() => (edit with { Strength = 3 }).Request(null)).Setting);
        Assert.Equal("Method", Assert.Throws<InvalidInputException>(() => (edit with { Method = "magic" }).Request(null)).Setting);
    }

    [Fact]
    public void AShiftOfTheNoiseBringsTheOtherOptionsOfTurboEdit()
    {
        var inverted = new InvertedRecipe { Prompt = "a house", Picture = "p", Method = "edit-friendly" };
        Assert.Equal(new EditFriendlyInversion(), inverted.Inversion().Method);
        Assert.Equal(new EditFriendlyInversion { Skip = 0.5 }, (inverted with { Skip = 0.5 }).Inversion().Method);
        Assert.Equal(TurboEdit.Inversion, (inverted with { NoiseShift = 1 }).Inversion().Method);
        Assert.Equal(new EditFriendlyInversion { Skip = 0, NoiseShift = 2, NoiseLimit = 9 }, (inverted with { NoiseShift = 2, NoiseLimit = 9, Skip = 0 }).Inversion().Method);
    }

    [Fact]
    public void EditsOfAnInpaintedPictureAreGuidedAsItWas()
    {
        var filled = new InpaintedRecipe { Prompt = "a house", Picture = "p", Mask = "m", Steps = 7, Guidance = 5, GuidanceRescale = 0.7, ClipSkip = 1 };
        var sampling = filled.Sampling(chunks: 2);
        Assert.Equal(InversionSettings.ForInversion(sampling) with { GuidanceRescale = 0.7 }, filled.Inversion(chunks: 2).Sampling);
    }

    [Fact]
    public void WhatARecipeLeavesOutHasTheLibrarysDefault()
    {
        var sampling = new SamplingSettings();
        Assert.Equal((50, 7.5), (sampling.Steps, sampling.Guidance));
        Assert.Equal(sampling with { Scheduler = SchedulerKind.Ddim }, Read<DrawnRecipe>("drawn").Sampling());
        Assert.Equal(new InversionSettings { Prompt = "a house" }, Read<InvertedRecipe>("inverted", ""","picture":"p" """).Inversion());

        var filled = Read<InpaintedRecipe>("inpainted", ""","picture":"p","mask":"m" """);
        var picture = new Image(1, 1, [0, 0, 0]);
        Assert.Equal(new InpaintRequest { Image = picture, Mask = picture, Prompt = "a house" }, filled.Request(picture, picture));

        var (expected, edit) = (new EditRequest(), Read<EditedRecipe>("edited", ""","source":"s" """).Request(null));
        Assert.Equal(["a house"], edit.Prompts);
        Assert.Equal(
            (expected.Alignment, expected.CrossSteps.Default, expected.SelfSteps, expected.BlendThreshold),
            (edit.Alignment, edit.CrossSteps.Default, edit.SelfSteps, edit.BlendThreshold));

        static T Read<T>(string type, string further = "")
            where T : Recipe => Assert.IsType<T>(StudioJson.Read<Recipe>($$"""{"type":"{{type}}","prompt":"a house"{{further}}}"""));
    }

    [Fact]
    public void ThePageChoosesItsOwnSteps() => Assert.Equal(30, new StudioOptions { DataFolder = "", DrawGrid = null!, DrawTable = null!, Models = [] }.DefaultSteps);
}
