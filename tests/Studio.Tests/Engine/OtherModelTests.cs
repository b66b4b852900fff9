using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class OtherModelTests : IAsyncDisposable
{
    private readonly TinyModel other = TinyModel.Seeded(2);
    private readonly TestEngine test = new();

    public async ValueTask DisposeAsync()
    {
        await test.DisposeAsync();
        other.Dispose();
    }

    [Fact]
    public async Task ASourceIsRecordedInTheTypeOfItsModel()
    {
        await test.Make(TestEngine.House);
        var whole = test.Engine.State.SessionBytes;
        Assert.True(whole > 0);
        var folder = TinyModel.Shared.Folder;
        await test.Restart(models: [TestStudio.Model with { Load = () => StableDiffusionModel.Load(folder, dtype: ScalarType.BFloat16) }]);
        await test.Make(TestEngine.House);
        // The latents are float32 in both, and on a CPU without arithmetic in bfloat16 all else is, too.
        var (least, most) = LibTorch.HasBFloat16Arithmetic ? (0.5, 0.6) : (1, 1);
        Assert.InRange(test.Engine.State.SessionBytes, whole * least, whole * most);
    }

    [Fact]
    public async Task ImagesAndEditsOfUploadsFollowTheModelsReduction()
    {
        using var sixteenfold = new Tiny16Model();
        await test.Restart(models: [TestStudio.Model with { Load = () => StableDiffusionModel.Load(sixteenfold.Folder) }]);
        var house = await test.Make(TestEngine.House);
        Assert.Equal(new PixelSize(128, 128), test.Store.Pictures.SizeOf(house.Picture));
        var edit = await test.Make(new EditedRecipe { Source = house.Id, Prompt = "a red house in a field" });
        Assert.NotEqual(house.Picture, edit.Picture);
    }

    [Fact]
    public async Task AttentionOfOneModelNeverSteersAnother()
    {
        var source = await test.Make(TestEngine.House);
        var edit = new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" };
        var red = await test.Make(edit);
        // Of the same name, as a folder whose files were exchanged.
        await test.Restart(models: [TestStudio.Model with { Load = () => StableDiffusionModel.Load(other.Folder) }]);

        foreach (var of in new[] { source, red })
        {
            var over = await test.Submit(new EditedRecipe { Source = of.Id, Prompt = "a blue house in a field" }).WhenOver();
            Assert.Equal(JobState.Failed, over.State);
            Assert.Contains($"Picture {of.Number} was made by another model", over.Problem, StringComparison.Ordinal);
        }

        // What was made before is what it was; and what is made now is a picture of its own, which can be edited.
        Assert.Equal(red.Id, (await test.Make(edit)).Id);
        var now = await test.Make(TestEngine.House);
        Assert.NotEqual(source.Id, now.Id);
        var nowRed = await test.Make(edit with { Source = now.Id });
        Assert.NotEqual(red.Id, nowRed.Id);

        await test.Restart();
        await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a blue house in a field" });
    }
}
