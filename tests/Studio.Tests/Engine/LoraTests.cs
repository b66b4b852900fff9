using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class LoraTests : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TestEngine test = new();
    private readonly OfferedModel model;

    public LoraTests()
    {
        using var down = linspace(-4, 4, 32).view(1, 32);
        using var up = linspace(-4, 4, 32).view(32, 1);
        SafetensorsWriter.Write(folder["style.safetensors"], new Dictionary<string, Tensor>
        {
            ["lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_down.weight"] = down,
            ["lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_up.weight"] = up,
        });
        IReadOnlyList<Lora> loras = [new Lora(folder["style.safetensors"], 0.5)];
        model = new("storybook", () => Load(loras)) { Loras = loras, LoadWith = (others, _) => Load(others), Arguments = ["--lora", $"{folder["style.safetensors"]}:0.5"] };
    }

    public async ValueTask DisposeAsync()
    {
        await test.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task OtherWeightsMakeOtherPicturesAndEditsFollowTheirSource()
    {
        await test.Restart(models: [model]);
        var usual = await test.Make(TestEngine.House);
        Assert.Equal(usual.Picture, (await test.Make(TestEngine.House with { Loras = "style:0.50" })).Picture);
        var strong = await test.Make(TestEngine.House with { Loras = "style: 1" });
        Assert.NotEqual(usual.Picture, strong.Picture);
        Assert.Equal("style:1", ((RootRecipe)strong.Recipe).Loras);
        // The model of each source is loaded again.
        var edit = await test.Make(new EditedRecipe { Source = usual.Id, Prompt = "a red house in a field" });
        var other = await test.Make(new EditedRecipe { Source = strong.Id, Prompt = "a red house in a field" });
        Assert.NotEqual(edit.Picture, other.Picture);
        var command = CommandLineText.Of(other, test.Store.Version, test.Engine.Catalog.ArgumentsOf);
        Assert.Contains("style.safetensors:1\"", command, StringComparison.Ordinal);
        foreach (var wrong in new[] { "hat:1", "style", "style:much", "style:1e9" })
            Assert.Equal("Loras", Assert.Throws<InvalidInputException>(() => test.Submit(TestEngine.House with { Loras = wrong })).Setting);
    }

    [Fact]
    public async Task AGivenLoraReplacesAnAddedOneOfItsName()
    {
        var added = Directory.CreateDirectory(Path.Combine(test.Store.Folder, "loras", model.Name)).FullName;
        foreach (var name in new[] { "style", "hat" })
            File.Copy(folder["style.safetensors"], Path.Combine(added, $"{name}.safetensors"));
        await test.Restart(models: [model]);
        Assert.Equal([("style", 0.5), ("hat", 0)], test.Engine.Catalog.LorasOf(model.Name).Select(lora => (LoraWeights.Name(lora), lora.Weight)));
        Assert.Equal(2, test.Engine.Catalog.ArgumentsOf(model.Name, []).Count(part => part == "--lora"));
    }

    [Fact]
    public async Task ThePageChangesTheWeights()
    {
        await test.Restart(models: [model]);
        using var page = new Workspace(test.Store, test.Engine, new StudioOptions { DataFolder = "", Models = [model], DrawGrid = _ => [], DrawTable = _ => [] });
        page.Open(test.Project);
        var lora = Assert.Single(page.Loras);
        page.Weigh(lora, 0.8);
        Assert.Equal("style:0.8", page.Settings.Loras);
        page.Weigh(page.Loras[0], 0.5);
        Assert.Null(page.Settings.Loras);

        // A studio that was started without the LoRA forgets its weight.
        await test.Make(TestEngine.House with { Loras = "style:1" });
        await test.Restart();
        using var later = new Workspace(test.Store, test.Engine, new StudioOptions { DataFolder = "", Models = [TestStudio.Model], DrawGrid = _ => [], DrawTable = _ => [] });
        later.Open(test.Project);
        Assert.Null(later.Settings.Loras);
        Assert.Empty(later.Loras);
    }

    private static StableDiffusionModel Load(IReadOnlyList<Lora> loras) => StableDiffusionModel.Load(TinyModel.Shared.Folder, options: new() { Loras = loras });
}
