using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class GenerateCommandTests
{
    [Fact]
    public void ARunThatNoMachineHoldsIsRefused()
    {
        string[] run = ["generate", "a cat", "--size", "60000x60000", "--model", EmbeddedModel.Folder()];
        Assert.Contains("Use VAE tiling", InProcess.Run(run).FailedWith(2));
        Assert.Contains("Use a smaller size", InProcess.Run([.. run, "--vae-tiling"]).FailedWith(2));
        Assert.Contains("WIDTHxHEIGHT", InProcess.Run("generate", "a cat", "--size", "2000000000x2000000000").FailedWith(2));
    }

    [Fact]
    public void AMistypedModelGetsASuggestion() => Assert.Contains(
        "no models/storybok here or in a folder above. Did you mean storybook? Give the path", InProcess.Run("generate", "a cat", "--model", "storybok").FailedWith(2), StringComparison.Ordinal);

    [Fact]
    [Trait("Category", "Process")]
    public void ARunThatOnlyFitsWithLowMemoryIsMadeSo()
    {
        using var folder = new TemporaryFolder();
        string[] run = ["edit", "a red house", "a blue house", "a red car", "a red tree", "a green house", "--steps", "1", "--size", "192x192", "--model", EmbeddedModel.Folder()];
        InProcess.Run([.. run, "--quiet", "-o", folder["together"]]).Succeeded();
        // A machine of 80 MB, as the program sees it.
        var small = P2P.RunIn(new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x5000000" }, [.. run, "--quiet", "-o", folder["apart"]]);
        small.Succeeded();
        Assert.Contains("--low-memory", small.Error);
        foreach (var image in new[] { "source.png", "edit-4.png" })
        {
            var (one, other) = (Image.Load(Path.Combine(folder["together"], image)), Image.Load(Path.Combine(folder["apart"], image)));
            Assert.True(one.Rgb.Zip(other.Rgb).Average(pixel => Math.Abs(pixel.First - pixel.Second)) < 0.01);
        }
    }

    [Theory]
    [InlineData("note: the prompt is empty, so the model gets no description of the image", "generate", "")]
    [InlineData("note: the source prompt is empty,", "edit", " ", "a cat")]
    [InlineData("note: the target prompt is empty,", "edit", "a cat", "")]
    [InlineData("note: the source prompt and target prompt 2 are empty,", "edit", "", "a cat", "")]
    [InlineData("note: the target prompt is empty,", "grid", "a cat", "", "--columns", "self-steps=0,1")]
    public void AnEmptyPromptIsAllowedWithANote(string note, params string[] run)
    {
        using var folder = new TemporaryFolder();
        string[] all = [.. run, "--steps", "1", "--model", TinyModel.Shared.Folder, "-o", folder["out"]];
        var outcome = InProcess.Run(all);
        outcome.Succeeded();
        Assert.Contains(note, outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("empty", InProcess.Run([.. all, "--overwrite", "--quiet"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void NumbersThatOverflowAreOneLineWithTheStep() => Assert.Contains(
        "infinite at step", InProcess.Run("generate", "a (house:1e38)", "--steps", "3", "--model", EmbeddedModel.Folder()).FailedWith(2));

    [Fact]
    public void LongEmphasisedPromptsAndTilesMakeImages()
    {
        using var folder = new TemporaryFolder();
        var prompt = "a (red:1.3) house" + string.Concat(Enumerable.Repeat(" in the green sunny field", 20));
        string[] run = ["generate", prompt, "--steps", "1", "--size", "640x64", "--quiet", "--model", EmbeddedModel.Folder()];
        Assert.Contains("--long-prompts", InProcess.Run([.. run, "-o", folder["cut"]]).Error);
        var whole = InProcess.Run([.. run, "--long-prompts", "--clip-skip", "1", "-o", folder["whole"]]);
        whole.Succeeded();
        Assert.Equal("", whole.Error);
        InProcess.Run([.. run, "--long-prompts", "--clip-skip", "1", "--vae-tiling", "-o", folder["tiled"]]).Succeeded();
        var (one, other) = (Image.Load(Path.Combine(folder["whole"], "source.png")), Image.Load(Path.Combine(folder["tiled"], "source.png")));
        Assert.Equal(new PixelSize(640, 64), other.Size);
        Assert.NotEqual(one.Rgb, other.Rgb);
        // Tiles change colors a little, not what is to be seen.
        Assert.True(one.Rgb.Zip(other.Rgb).Average(pixel => Math.Abs(pixel.First - pixel.Second)) < 10);
    }
}
