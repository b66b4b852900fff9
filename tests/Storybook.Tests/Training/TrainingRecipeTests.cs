using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class TrainingRecipeTests
{
    private const int Vocabulary = 1000;

    public static TheoryData<string> Names => [.. TrainingRecipe.All.Select(recipe => recipe.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void ItsModelsAreWrittenInTheDiffusersLayout(string name)
    {
        using var folder = new TemporaryFolder();
        var recipe = TrainingRecipe.Named(name);
        StorybookArchitecture.WriteConfigs(folder.Path, recipe, Vocabulary, scalingFactor: 0.7);
        var vae = AutoencoderConfig.FromFile(folder["vae/config.json"]);
        var unet = UNetConfig.FromFile(folder["unet/config.json"]);
        Assert.Equal((recipe.Vae with { ScalingFactor = 0.7 }).ToJson().ToJsonString(), vae.ToJson().ToJsonString());
        Assert.Equal(recipe.UNet.ToJson().ToJsonString(), unet.ToJson().ToJsonString());
        Assert.Equal(recipe.ImageSide, unet.SampleSize * vae.PixelsPerLatent);
        Assert.Equal(vae.LatentChannels, unet.InChannels);
        Assert.Equal(0, recipe.Denoiser.Kept % LatentPool.Batch);
    }

    [Fact]
    public void TheFirstIsThatOfTheEmbeddedModel()
    {
        var recipe = TrainingRecipe.Storybook;
        var vae = AutoencoderConfig.FromFile(Path.Combine(EmbeddedModel.Folder(), "vae", "config.json"));
        Assert.Equal(vae.ToJson().ToJsonString(), (recipe.Vae with { ScalingFactor = vae.ScalingFactor }).ToJson().ToJsonString());
        Assert.Equal(UNetConfig.FromFile(Path.Combine(EmbeddedModel.Folder(), "unet", "config.json")).ToJson().ToJsonString(), recipe.UNet.ToJson().ToJsonString());
    }

    [Fact]
    public void TheSecondShrinksBy16To16ChannelsInAtMost40Megabytes()
    {
        var recipe = TrainingRecipe.Storybook256;
        Assert.Equal((256, 16, 16, 16), (recipe.ImageSide, recipe.Vae.PixelsPerLatent, recipe.Vae.LatentChannels, recipe.UNet.SampleSize));
        var shape = ModelConfig.StableDiffusion15 with { UNet = recipe.UNet, Vae = recipe.Vae, TextEncoder = recipe.TextEncoder(Vocabulary) };
        var weights = ModelParts.Of(shape).SelectMany(part => ModelParts.Plan(part, shape)).Sum(request => request.Shape.Aggregate(1L, (product, size) => product * size));
        Assert.InRange(2 * weights, 36_000_000, 40_000_000);
    }

    [Fact]
    public void AnUnknownNameIsRefused() =>
        Assert.Contains("storybook or storybook-256", Assert.Throws<InvalidInputException>(() => TrainingRecipe.Named("novel")).Message, StringComparison.Ordinal);
}
