using System.IO.Compression;
using System.Text;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Recipes;

public sealed class SettingsReaderTests
{
    private static readonly DrawnRecipe House = new() { Prompt = "a white house", Model = "storybook", Seed = ulong.MaxValue, Steps = 12, Guidance = 5, Scheduler = "euler", Negative = "fog", ClipSkip = 1 };

    private static readonly EditedRecipe Red = new() { Source = "1", Prompt = "a (red:1.5) house", CrossSteps = "0.1..0.6", SelfSteps = "0.2", Blend = "house", WordSteps = new Dictionary<string, string> { ["red"] = "0.3" }, Mask = "mask" };

    [Fact]
    public void ThePicturesOfTheStudioAreRestored()
    {
        PictureVersion[] versions = [Version("1", House with { Loras = "style:1" }), Version("2", Red), Version("3", Red with { Source = "2", Prompt = "a red castle", Mask = null })];
        var found = Read([.. RunRecord.Texts(versions[2], id => versions.First(version => version.Id == id), (_, _) => [])])!;
        Assert.Equal(House, found.Source);
        Assert.Equal(["a (red:1.5) house", "a red castle"], found.Edits.Select(edit => edit.Prompt));
        Assert.Equal(StudioJson.Write(Red with { Source = "", Mask = null }), StudioJson.Write(found.Edits[0]));
        Assert.Equal(["LoRAs style:1", "mask"], found.Ignored);
        Assert.Null(found.Problem);
    }

    [Fact]
    public void ThePicturesOfTheCommandAreRestored()
    {
        var found = Read(
            new("parameters", "a red house\nSteps: 9, Sampler: DDIM, CFG scale: 6, Seed: 3, Size: 128x128, Model: storybook, Edited from: a white house, Version: p2p 0.1.0"),
            new("p2p", """{"command":"edit","options":{"weight":["red=2"],"cross-steps":["0.5","red=0.3"],"self-steps":0.1,"blend":"house","spacing":"trailing","lora":[]}}"""))!;
        Assert.Equal(("a white house", 9, 6.0, 3ul), (found.Source!.Prompt, found.Source.Steps, found.Source.Guidance, found.Source.Seed));
        var edit = Assert.Single(found.Edits);
        Assert.Equal(("a (red:2) house", "0.5", "0.1", "house", "0.3"), (edit.Prompt, edit.CrossSteps, edit.SelfSteps, edit.Blend, edit.WordSteps["red"]));
        Assert.Equal(["spacing"], found.Ignored);
    }

    [Fact]
    public void ParametersOfOtherProgramsAreRestoredAndTheRestIsNamed()
    {
        var found = Read(new PngText("parameters", "a cat\non a mat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: other, Hires upscale: 2, Clip skip: 2"))!;
        Assert.Equal(new DrawnRecipe { Prompt = "a cat\non a mat", Negative = "dog", Model = "storybook", Steps = 20, Scheduler = "euler-a", Guidance = 7, Seed = 1, ClipSkip = 1 }, found.Source);
        Assert.Equal(["Size 512x512", "model other", "Hires upscale 2"], found.Ignored);
    }

    [Theory]
    [InlineData("p2p", "{\"recipes\":[")]
    [InlineData("p2p", "{\"recipes\":[{\"recipe\":{\"type\":\"drawn\",\"prompt\":5}}]}")]
    [InlineData("p2p", "{\"recipes\":[{\"recipe\":[]}]}")]
    [InlineData("p2p", "{\"recipes\":[]}")]
    [InlineData("p2p", "{\"recipes\":[{\"recipe\":{\"type\":\"inverted\",\"prompt\":\"a\",\"picture\":\"b\"}}]}")]
    [InlineData("p2p", "[[[[")]
    [InlineData("parameters", "\nSteps: 20, Sampler: Euler a, CFG scale: 7")]
    public void DamagedSettingsGiveASentence(string keyword, string text)
    {
        var found = Read(new PngText(keyword, text))!;
        Assert.Null(found.Source);
        Assert.EndsWith("cannot be restored.", found.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void AHostileTextIsNotExpanded()
    {
        using var zipped = new MemoryStream();
        using (var zip = new ZLibStream(zipped, CompressionLevel.Optimal, leaveOpen: true))
        {
            var chunk = new byte[1 << 20];
            for (var k = 0; k < 2 * PngText.MaxBytes / chunk.Length; k++)
                zip.Write(chunk);
        }

        byte[] content = [.. "zTXt"u8, .. "parameters"u8, 0, 0, .. zipped.ToArray()];
        byte[] length = [.. BitConverter.GetBytes(content.Length - 4).Reverse()];
        byte[] png = [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. length, .. content, 0, 0, 0, 0];
        var found = SettingsReader.Read(new MemoryStream(png), ["storybook"], _ => false, _ => [])!;
        Assert.Contains("too long", found.Problem, StringComparison.Ordinal);
        Assert.Contains("cannot", Read(new PngText("parameters", new string('a', 3000)))!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void APictureWithoutSettingsHasNone()
    {
        Assert.Null(Read());
        Assert.Null(Read(new PngText("Comment", "a holiday")));
        Assert.Null(SettingsReader.Read(new MemoryStream(Encoding.ASCII.GetBytes("no picture")), ["storybook"], _ => false, _ => []));
    }

    private static FoundSettings? Read(params PngText[] texts)
    {
        var png = PngText.AddTo(new Image(1, 1, [0, 0, 0]).ToPng(), texts);
        return SettingsReader.Read(new MemoryStream(png), ["storybook"], _ => false, _ => []);
    }

    private static PictureVersion Version(string id, Recipe recipe) => new(id, "", null, 1, recipe, "", new VersionFacts(), default);
}
