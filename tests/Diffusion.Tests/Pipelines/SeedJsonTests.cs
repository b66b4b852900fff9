using System.Text.Json;
using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

public sealed class SeedJsonTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("9007199254740993", 9007199254740993)]
    [InlineData("9223372036854775808", 1UL << 63)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("-1", ulong.MaxValue)]
    [InlineData("-9223372036854775808", 1UL << 63)]
    public void ASeedIsReadExactlyFromTextNumbersAndStrings(string text, ulong seed)
    {
        Assert.True(SeedJson.TryParse(text, out var parsed));
        Assert.Equal(seed, parsed);
        Assert.Equal(seed, JsonSerializer.Deserialize<Seeded>($$"""{"Seed":{{text}}}""")!.Seed);
        Assert.Equal(seed, JsonSerializer.Deserialize<Seeded>($$"""{"Seed":"{{text}}"}""")!.Seed);
        Assert.Equal($$"""{"Seed":{{seed}}}""", JsonSerializer.Serialize(new Seeded(seed)));
    }

    [Theory]
    [InlineData("18446744073709551616")]
    [InlineData("-9223372036854775809")]
    [InlineData("1.5")]
    [InlineData("\"\"")]
    [InlineData("\"cat\"")]
    [InlineData("true")]
    public void AnythingElseIsRefused(string json)
    {
        Assert.False(SeedJson.TryParse(json.Trim('"'), out _));
        Assert.Contains("whole number", Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Seeded>($$"""{"Seed":{{json}}}""")).Message);
    }

    /// <summary>PyTorch maps a negative seed to the number that has the same 64 bits, and so does TorchSharp's own manual_seed.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(4294967297)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void ASeedGivesTheNoiseOfPyTorchsGenerator(long seed)
    {
        using var folder = new TemporaryFolder();
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["model"]));
        using var expected = new Generator(0, CPU);
        expected.manual_seed(seed);
        Assert.True(SeedJson.TryParse($"{seed}", out var same));
        using var noise = InitialNoise.FromSeed(model, same, 64, 64);
        using var drawn = randn(noise.shape, generator: expected);
        Assert.Equal(drawn.data<float>().ToArray(), noise.data<float>().ToArray());
    }

    private sealed record Seeded([property: JsonConverter(typeof(SeedJson))] ulong Seed);
}
