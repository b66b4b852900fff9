using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Batch.Tests;

/// <summary>Pairs of given images, and by other methods than Prompt-to-Prompt.</summary>
[Trait("Category", "Slow")]
public sealed class PairMethodTests
{
    [Fact]
    public void AGivenImageIsTheSourceOfItsPairs()
    {
        var image = SmallRun.Noise(48, 40);
        using var run = new SmallRun("""{"source": "a cat in the snow", "target": "a dog in the snow", "image": "cat.png", "method": "direct"}""");
        image.SavePng(run["cat.png"]);
        SmallRun.Execute(run.Request());
        var files = TarFile.Read(run["out/00000.tar"]).ToDictionary(member => member.Name, member => member.Content);
        Assert.Equal(image.ToPng(), files["0000000-000-0.source.png"]);
        Assert.NotEqual(image.ToPng(), files["0000000-000-0.edited.png"]);
        Assert.Equal(image.Size, ImageReader.Read(new MemoryStream(files["0000000-000-0.edited.png"]), "edited").Size);
    }

    [Fact]
    public void PairsAreMadeByTheMethodOfTheirItem()
    {
        const string Cat = """{"source": "a cat in the snow", "target": "a dog in the snow", "seed": 1""";
        using var run = new SmallRun(
            Cat + "}", Cat + """, "method": "masactrl"}""", Cat + """, "method": "pnp"}""",
            Cat + """, "image": "cat.png", "method": "direct"}""", Cat + """, "image": "cat.png", "method": "direct+masactrl"}""", Cat + """, "image": "cat.png", "method": "uni-edit"}""");
        SmallRun.Noise(48, 40).SavePng(run["cat.png"]);
        var request = run.Request() with { Settings = SettingValues.None.With("steps", "4").With("size", "64x64"), ShardSize = 6 };
        Assert.Empty(BatchRun.Check(request, TinyModel.Shared.Model.Tokenizer));
        Assert.Equal((6, 0), (SmallRun.Execute(request).Kept, SmallRun.Execute(request).Failed));
        var edits = TarLayout.Edits(new(request.Folder, 0)).ToList();
        Assert.Equal([0, 1, 2, 3, 4, 5], edits.Select(edit => edit.Item));
        Assert.Equal(6, edits.Select(edit => Convert.ToHexString(edit.Edited)).Distinct().Count());
        var records = TarFile.Read(run["out/00000.tar"]).Where(member => member.Name.EndsWith(".json", StringComparison.Ordinal)).Select(member => BatchJson.Read<PairRecord>(member.Content)).ToList();
        // Settings of Prompt-to-Prompt are not among those of other methods.
        Assert.Equal([true, false, false, true, false, false], records.Select(record => record.Settings.ContainsKey("cross")));
        Assert.Equal(6, records.Select(record => record.Fingerprint).Distinct().Count());
        // Uni-Edit inverts no more than it edits.
        Assert.Equal(new UniInversion { Depth = new UniEdit().EditDepth }, request.Plan.Items[5].Settings.ToSettings().Inversion);
    }

    [Theory]
    [InlineData("\"method\": \"magic\"", "\"method\": \"magic\" is unknown. Use p2p, ")]
    [InlineData("\"method\": \"masactrl\", \"self\": 0.2", "\"self\": The editing method masactrl does not use it.")]
    [InlineData("\"method\": \"uni-edit\"", "\"method\": uni-edit edits an inverted image, and there is none.")]
    [InlineData("\"method\": \"ddim+uni-edit\", \"image\": \"cat.png\"", "\"method\": uni-edit follows the inversion without guidance and cannot be combined with ddim.")]
    public void AMethodThatDoesNotFitItsItemIsAnError(string settings, string problem)
    {
        using var run = new SmallRun($$"""{"source": "a cat in the snow", "target": "a dog in the snow", {{settings}}}""");
        SmallRun.Noise(48, 40).SavePng(run["cat.png"]);
        var error = Assert.Throws<InvalidInputException>(() => BatchRun.Check(run.Request(), TinyModel.Shared.Model.Tokenizer));
        Assert.StartsWith($"{run.PlanPath}, line 1, {problem}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEditMayBeWhatTheModelDecodes()
    {
        const string Cat = """{"source": "a cat in the snow", "target": "a cat in the snow", "image": "cat.png", "method": "ddim""";
        using var run = new SmallRun(Cat + "\"}", Cat + "\", \"over_original\": false}");
        var image = SmallRun.Noise(48, 40);
        image.SavePng(run["cat.png"]);
        SmallRun.Execute(run.Request());
        Image[] edits = [.. TarLayout.Edits(new(run["out"], 0)).Select(edit => ImageReader.Read(new MemoryStream(edit.Edited), "edited"))];
        Assert.Equal(image.Rgb, edits[0].Rgb);
        Assert.Equal((64, 64), (edits[1].Width, edits[1].Height));
        var source = TarFile.Read(run["out/00000.tar"]).Single(member => member.Name == "0000001-000-0.source.png").Content;
        Assert.Equal((64, 64), ImageReader.Read(new MemoryStream(source), "source") is var framed ? (framed.Width, framed.Height) : default);
    }
}
