using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Engine;

/// <summary>A source that takes more memory than there is for recorded sources.</summary>
[Trait("Category", "Slow")]
public sealed class UnrecordedSourceTests : IAsyncDisposable
{
    private static readonly EngineLimits Small = new() { SessionBytes = 1 << 20 };
    private static readonly DrawnRecipe House = TestEngine.House with { Steps = 10 };
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task ItsPictureAndItsEditsAreMadeAllTheSame()
    {
        var (source, red, blue) = await Make();
        await test.Restart(Small);
        test.Project = test.Store.CreateProject("Another").Id;
        test.Engine.DeleteProject(source.Project);
        var (again, redAgain, blueAgain) = await Make();

        // The trajectory of the first edit, which the second follows.
        Assert.InRange(test.Engine.State.SessionBytes, 1, Small.SessionBytes!.Value);
        Assert.Single(test.Engine.Sessions);
        foreach (var (one, other) in new[] { (source, again), (red, redAgain), (blue, blueAgain) })
            Assert.InRange(pictures[one.Picture].Psnr(pictures[other.Picture]), 45, double.PositiveInfinity);
    }

    [Fact]
    public async Task ItIsSaidBeforeTheFirstStep()
    {
        await test.Restart(Small);
        var job = test.Submit(House);
        await foreach (var progress in job.Watch())
        {
            if (progress.Step > 0)
                Assert.Contains("more than the 1 MB for recorded sources. Each of its edits runs it again.", progress.Note, StringComparison.Ordinal);
        }

        var edit = test.Submit(new EditedRecipe { Source = job.Progress.Version!, Prompt = "a red house in a field" });
        Assert.Contains("so it runs again with this edit", (await edit.WhenOver()).Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUploadedPictureIsOneToo()
    {
        await test.Restart(Small);
        var source = await test.Make(new InvertedRecipe { Picture = test.Send(200, 150), Prompt = "a house in a field", Method = "direct", Steps = 3 });
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        Assert.Equal((200, 150), (red.Facts.Width, red.Facts.Height));
        await test.Restart(Small);
        var blue = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a blue house in a field" });
        Assert.NotEqual(red.Picture, blue.Picture);
    }

    [Fact]
    public async Task ItsTrajectoryCountsAsMemoryAndIsEvicted()
    {
        await test.Restart(new EngineLimits { SessionBytes = 1 });
        var picture = test.Send(200, 150);
        foreach (var prompt in new[] { "a house in a field", "a red house in a field" })
        {
            var source = await test.Make(new InvertedRecipe { Picture = picture, Prompt = prompt, Method = "direct", Steps = 3 });
            var held = Assert.Single(test.Engine.Sessions);
            Assert.Equal([source.Id], held.Versions);
            Assert.Equal(test.Engine.State.SessionBytes, held.Bytes);
            // Two trajectories of four latents.
            Assert.InRange(held.Bytes, 2 * 4 * 4 * sizeof(float), 1 << 20);
        }
    }

    private readonly Dictionary<string, Image> pictures = [];

    private async Task<(PictureVersion Source, PictureVersion Edit, PictureVersion Further)> Make()
    {
        var source = await test.Make(House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field", Blend = "house" });
        var blue = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a blue house in a field" });
        foreach (var version in new[] { source, red, blue })
            pictures[version.Picture] = test.Store.Pictures.Read(version.Picture);
        return (source, red, blue);
    }
}
