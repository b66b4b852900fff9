using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Tests.Settings;

/// <summary>Numbers that change nothing beside the other settings of an item.</summary>
public sealed class UnusedSettingTests
{
    private const string Given = "\"image\": \"cat.png\", ";

    [Theory]
    [InlineData("guidance", Given + "\"method\": \"uni-edit\"", "3", "9")]
    [InlineData("guidance", Given + "\"method\": \"turbo-edit\"", "3", "9")]
    [InlineData("guidance", Given + "\"method\": \"ledits++\"", "3", "9")]
    [InlineData("guidance_rescale", "\"guidance\": 1", "0", "0.7")]
    [InlineData("self", "\"self_resolution\": \"0\"", "0.1", "0.9")]
    [InlineData("weight", "\"cross\": 0", "\"dog=0.5\"", "\"dog=2\"")]
    [InlineData("blend_threshold", "\"steps\": 4", "0.2", "0.7")]
    [InlineData("blend_threshold", "\"blend_subtract\": \"snow\"", "0.2", "0.7")]
    [InlineData("blend_subtract_threshold", "\"blend\": \"dog\"", "0.2", "0.7")]
    [InlineData("blend_start", Given + "\"method\": \"direct\"", "0", "0.9")]
    public void AnUnusedNumberChangesNothingAndIsInNoRecord(string name, string others, string one, string other)
    {
        using var run = Run($"{others}, \"{name}\": {one}", $"{others}, \"{name}\": {other}", others);
        SmallRun.Execute(run.Request() with { Settings = SettingValues.None.With("size", "64x64").With("steps", "5"), ShardSize = 3 });
        var files = TarFile.Read(run["out/00000.tar"]).ToList();
        PairRecord[] records = [.. files.Where(file => file.Name.EndsWith(".json", StringComparison.Ordinal)).Select(file => BatchJson.Read<PairRecord>(file.Content))];
        Assert.Equal(3, records.Length);
        Assert.Single(files.Where(file => file.Name.EndsWith(".edited.png", StringComparison.Ordinal)).Select(file => Convert.ToHexString(file.Content)).Distinct());
        Assert.Single(records.Select(record => record.Fingerprint).Distinct());
        Assert.All(records, record => Assert.False(record.Settings.ContainsKey(name)));
    }

    [Theory]
    [InlineData("guidance", Given + "\"method\": \"masactrl\"")]
    [InlineData("guidance_rescale", "\"guidance\": [1, 2]")]
    [InlineData("self", "\"self_resolution\": \"8\"")]
    [InlineData("weight", "\"cross\": [0, 0.5]")]
    [InlineData("blend_threshold", "\"blend\": \"dog\"")]
    [InlineData("blend_subtract_threshold", "\"blend_subtract\": \"snow\"")]
    [InlineData("blend_start", "\"blend_subtract\": \"snow\"")]
    public void OthersMayBeDrawn(string name, string others)
    {
        using var run = Run($"{others}, \"{name}\": {(name == "weight" ? "\"dog=0.5..1\"" : "[0.5, 1]")}");
        run.Request().Validate();
        Assert.True(SampleRequest.Draw(run.Request().Plan.Items[0], SettingValues.None, 0, 0, TinyModel.Shared.Model.Tokenizer).Values.Has(name));
    }

    [Fact]
    public void ARangeOfTheItemOrTheRunIsOneError()
    {
        using var run = Run("\"guidance\": [3, 7]", Given + "\"method\": \"uni-edit\", \"samples\": 3, \"guidance\": [3, 7]");
        Assert.Equal(
            $"{run.PlanPath}, line 2, \"guidance\": The editing method uni-edit does not use guidance, so samples would not differ by the range 3..7. Give this item a single number, or leave the range out.",
            Assert.Throws<InvalidInputException>(() => run.Request().Validate()).Message);

        using var mixed = Run("\"self\": [0.1, 0.9]", Given + "\"method\": \"uni-edit\"", Given + "\"method\": \"uni-edit\", \"guidance\": 5");
        var request = mixed.Request() with { Settings = SettingValues.None.With("guidance", "4..8"), Samples = 3 };
        Assert.StartsWith($"{mixed.PlanPath}, line 2, \"guidance\": The editing method uni-edit ", Assert.Throws<InvalidInputException>(request.Validate).Message, StringComparison.Ordinal);
        // Nobody gave the range of a preset.
        Assert.EndsWith(
            "so samples would not differ by the range 4..8 of the preset. Give this item a single number.",
            Assert.Throws<InvalidInputException>((request with { Preset = request.Settings }).Validate).Message,
            StringComparison.Ordinal);
        // An item that gives a number is no error, and its samples would be equal.
        (request with { Plan = request.Plan with { Items = [request.Plan.Items[0], request.Plan.Items[2]] } }).Validate();
        Assert.Equal(1, request.SamplesOf(request.Plan.Items[2]));
    }

    private static SmallRun Run(params string[] settings)
    {
        var run = new SmallRun([.. settings.Select(each => $$"""{"source": "a cat in the snow", "target": "a dog in the snow", "seed": 1, {{each}}}""")]);
        SmallRun.Noise(48, 40).SavePng(run["cat.png"]);
        return run;
    }
}
