using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests;

/// <summary>An engine with a store of its own, the embedded model and a project; its folder is gone afterwards.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("p2p-studio-").FullName;

    public TestEngine()
    {
        Open(null, null);
        Project = Store.CreateProject("A test").Id;
    }

    public static DrawnRecipe House => new() { Prompt = "a white house in a field", Seed = 4, Guidance = 5, Steps = TestStudio.Steps };

    public StudioStore Store { get; private set; } = null!;

    public StudioEngine Engine { get; private set; } = null!;

    public string Project { get; set; }

    public TestClock Clock { get; } = new();

    /// <summary>Closes engine and store properly and opens others on the same folder.</summary>
    public async Task Restart(EngineLimits? limits = null, IReadOnlyList<OfferedModel>? models = null)
    {
        await Close();
        Open(limits, models);
    }

    public Job Submit(Recipe recipe) => Engine.Submit(Project, null, recipe);

    public async Task<PictureVersion> Make(Recipe recipe)
    {
        var over = await Submit(recipe).WhenOver();
        Assert.True(over.State == JobState.Done, over.Problem);
        return Store.Version(over.Version!);
    }

    /// <summary>An uploaded picture with a gradient.</summary>
    public string Send(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)(i / 3 % width * 255 / width);
        return Store.Pictures.Add(new Image(width, height, rgb));
    }

    public async ValueTask DisposeAsync()
    {
        await Close();
        Directory.Delete(folder, recursive: true);
    }

    private void Open(EngineLimits? limits, IReadOnlyList<OfferedModel>? models)
    {
        Store = new StudioStore(folder, Clock);
        Engine = new StudioEngine(Store, models ?? [TestStudio.Model], limits ?? new EngineLimits(), TimeProvider.System);
    }

    private async Task Close()
    {
        await Engine.DisposeAsync();
        Store.Dispose();
    }
}
