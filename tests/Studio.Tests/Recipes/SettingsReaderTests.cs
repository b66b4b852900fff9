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
    public void TheEditingMethodOfTheCommandIsRestored()
    {
        var parameters = new PngText("parameters", "a red house\nSteps: 9, Sampler: DDIM, CFG scale: 6, Seed: 3, Size: 128x128, Model: storybook, Edited from: a white house, Version: p2p 0.1.0");
        var edit = Assert.Single(Read(
            parameters, new("p2p", """{"command":"edit","options":{"method":"masactrl","share-start":0.2,"share-layer":9,"subject":"house","subject-threshold":0.1,"feature-steps":0.8}}"""))!.Edits);
        Assert.Equal(("masactrl", 0.2, 9, "house", null), (edit.Method, edit.ShareStart, edit.ShareLayer, edit.Subject, edit.FeatureSteps));
        Assert.Null(Assert.Single(Read(parameters, new("p2p", """{"command":"edit","options":{"method":"null-text","share-start":0.08}}"""))!.Edits).ShareStart);
    }

    [Fact]
    public void ParametersOfOtherProgramsAreRestoredAndTheRestIsNamed()
    {
        var found = Read(new PngText("parameters", "a cat\non a mat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: other, Hires upscale: 2, Clip skip: 2"))!;
        Assert.Equal(new DrawnRecipe { Prompt = "a cat\non a mat", Negative = "dog", Model = "storybook", Steps = 20, Scheduler = "euler-a", Guidance = 7, Seed = 1, ClipSkip = 1, Size = "512x512" }, found.Source);
        Assert.Equal(["model other", "Hires upscale 2"], found.Ignored);
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
    public void AGraphOfComfyUIIsRestored()
    {
        var found = Read(new PngText("prompt", Graph(denoise: "1.0")))!;
        Assert.Equal(
            new DrawnRecipe { Prompt = "a castle", Negative = "rain", Model = "storybook", Seed = ulong.MaxValue, Steps = 20, Guidance = 8, Scheduler = "euler-a", Size = "512x768" }, found.Source);
        Assert.Equal(["lora_name style.safetensors", "scheduler karras"], found.Ignored);
        Assert.Empty(found.Edits);
        Assert.Contains("begin with a picture", Read(new PngText("prompt", Graph(denoise: "0.5")))!.Problem, StringComparison.Ordinal);
        Assert.EndsWith("cannot be restored.", Read(new PngText("prompt", Graph("1.0")[..^9]))!.Problem, StringComparison.Ordinal);
        Assert.Contains("no prompt", Read(new PngText("prompt", """{"3": {"class_type": "KSampler", "inputs": {"seed": 5}}}"""))!.Problem, StringComparison.Ordinal);
        Assert.Null(Read(new PngText("prompt", "a cat, in plain words")));
    }

    [Theory]
    [InlineData("\"width\": 512, \"height\": 768", "512x768")]
    [InlineData("\"empty_latent_width\": 512, \"empty_latent_height\": 768", "512x768")]
    [InlineData("\"width\": [\"9\", 0], \"height\": 768", "320x768")]
    [InlineData("\"samples\": [\"10\", 0], \"amount\": 2", "64x96")]
    [InlineData("\"samples\": [\"10\", 0], \"scale_by\": 1.5", null)]
    [InlineData("\"samples\": [\"5\", 0]", null)]
    [InlineData("\"width\": 512, \"height\": [\"5\", 0]", null)]
    [InlineData("\"width\": 512, \"height\": 99999", null, "width 512", "height 99999")]
    [InlineData("\"width\": -1, \"height\": 768", null, "width -1", "height 768")]
    public void TheSizeOfAGraphIsThatOfTheFirstSamplersNoise(string inputs, string? size, params string[] ignored)
    {
        var graph = Graph(denoise: "1").Replace("\"width\": 512, \"height\": 768, \"batch_size\": 1", inputs, StringComparison.Ordinal).TrimEnd()[..^1]
            + """, "9": {"class_type": "PrimitiveInt", "inputs": {"value": 320}}, "10": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 96}}}""";
        var found = Read(new PngText("prompt", graph))!;
        Assert.Equal(size, found.Source!.Size);
        Assert.Subset(found.Ignored.ToHashSet(), ignored.ToHashSet());
    }

    [Fact]
    public void SizesOfLaterSamplersAreNamed()
    {
        var graph = Graph(denoise: "1").TrimEnd()[..^1] + """
            , "11": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 1024, "height": 768}},
              "12": {"class_type": "KSampler", "inputs": {"denoise": 0.5, "latent_image": ["11", 0], "positive": ["6", 0], "negative": ["7", 0]}}}
            """;
        var found = Read(new PngText("prompt", graph))!;
        Assert.Equal("512x768", found.Source!.Size);
        Assert.Contains("width 1024", found.Ignored);
        Assert.DoesNotContain("height 768", found.Ignored);
    }

    [Fact]
    public void SettingsInTheExifBlockOfAJpegAreRestored()
    {
        var comment = "UNICODE\0"u8.ToArray().Concat(Encoding.BigEndianUnicode.GetBytes("a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1")).ToArray();
        var found = SettingsReader.Read(new MemoryStream(Jpeg(comment)), ["storybook"], _ => false, _ => [])!;
        Assert.Equal(new DrawnRecipe { Prompt = "a cat", Steps = 20, Scheduler = "euler-a", Guidance = 7, Seed = 1 }, found.Source);
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

    private static string Graph(string denoise) => """
        {"3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "steps": 20, "cfg": 8.0, "sampler_name": "euler_ancestral", "scheduler": "karras", "denoise": DENOISE,
          "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
         "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "storybook.safetensors"}},
         "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}, "is_changed": [NaN]},
         "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle", "clip": ["4", 1]}},
         "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "rain", "clip": ["4", 1]}},
         "8": {"class_type": "LoraLoader", "inputs": {"lora_name": "style.safetensors"}}}
        """.Replace("DENOISE", denoise, StringComparison.Ordinal);

    // The start of a file with a user comment: one entry that leads to a directory with another.
    private static byte[] Jpeg(byte[] comment)
    {
        byte[] tiff = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 1, 0x92, 0x86, 0, 7, .. Big(comment.Length, 4), 0, 0, 0, 44, 0, 0, 0, 0, .. comment];
        return [0xFF, 0xD8, 0xFF, 0xE1, .. Big(tiff.Length + 8, 2), .. "Exif\0\0"u8, .. tiff, 0xFF, 0xD9];

        static byte[] Big(int number, int bytes) => [.. BitConverter.GetBytes(number).Reverse().Skip(4 - bytes)];
    }

    private static PictureVersion Version(string id, Recipe recipe) => new(id, "", null, 1, recipe, "", new VersionFacts(), default);
}
