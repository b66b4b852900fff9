using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class LongPromptTests : IAsyncDisposable
{
    private static readonly string LongTail = string.Concat(Enumerable.Repeat(" with a tree and a path", 14));

    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task WordsBeyondTheTextEncoderCountOnlyWherePromptsMayBeLong()
    {
        var cut = TestEngine.House with { Prompt = $"a house{LongTail} at night" };
        var pictures = new[] { await test.Make(cut), await test.Make(cut with { Prompt = $"a house{LongTail} at dawn" }) };
        Assert.Equal(pictures[0].Picture, pictures[1].Picture);
        var night = await test.Make(cut with { LongPrompts = true });
        var dawn = await test.Make(cut with { LongPrompts = true, Prompt = $"a house{LongTail} at dawn" });
        Assert.NotEqual(night.Picture, dawn.Picture);
    }

    [Fact]
    public async Task AnEditOfMoreWindowsThanItsSourceRunsTheSourceWithAsMany()
    {
        var source = await test.Make(TestEngine.House with { LongPrompts = true });
        var edit = new EditedRecipe { Source = source.Id, Prompt = $"a white house in a field{LongTail}" };
        var grown = await test.Make(edit);
        var other = await test.Make(edit with { Prompt = edit.Prompt + " at night" });
        Assert.NotEqual(grown.Picture, other.Picture);
        // The short source is still there for short edits, and a short edit of the long one has its windows.
        await test.Make(edit with { Prompt = "a red house in a field" });
        await test.Make(new EditedRecipe { Source = grown.Id, Prompt = "a red house in a field" });
        Assert.Equal(
            $"p2p edit \"a white house in a field\" \"{edit.Prompt}\" --seed 4 --steps {TestStudio.Steps} --guidance 5 --scheduler ddim --long-prompts",
            CommandLineText.Of(grown, test.Store.Version));
    }

    [Fact]
    public async Task SoDoesAnEditOfAGivenPictureAndOfAnEdit()
    {
        var source = await test.Make(new InvertedRecipe { Picture = test.Send(100, 128), Prompt = "a house", Method = "direct", Steps = 3, LongPrompts = true, ClipSkip = 1 });
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house" });
        var grown = await test.Make(new EditedRecipe { Source = red.Id, Prompt = $"a red house{LongTail}" });
        Assert.NotEqual(red.Picture, grown.Picture);
        Assert.Contains("--long-prompts --clip-skip 1", CommandLineText.Of(red, test.Store.Version), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClipSkipMakesAnotherPictureAndIsBounded()
    {
        var source = await test.Make(TestEngine.House);
        Assert.NotEqual(source.Picture, (await test.Make(TestEngine.House with { ClipSkip = 1 })).Picture);
        Assert.Contains("ClipSkip", Assert.Throws<InvalidInputException>(() => test.Submit(TestEngine.House with { ClipSkip = -1 })).Message, StringComparison.Ordinal);
        Assert.Contains("ClipSkip", Assert.Throws<InvalidInputException>(() => test.Submit(TestEngine.House with { ClipSkip = 1000 })).Message, StringComparison.Ordinal);
        var over = await test.Submit(TestEngine.House with { ClipSkip = 60 }).WhenOver();
        Assert.Equal(JobState.Failed, over.State);
        Assert.Contains("layers", over.Problem, StringComparison.Ordinal);
    }
}
