using System.Text.Json;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class AlignCommandTests
{
    [Fact]
    public void RefineIsPositionsAndAlphas()
    {
        using var json = Align("a cat sat", "a white cat sat", "--kind", "refine");
        Assert.Equal("refine", json.RootElement.GetProperty("kind").GetString());
        Assert.Equal([0, 1, -1, 2, 3], Numbers(json.RootElement.GetProperty("mapper")).Take(5));
        Assert.Equal([1, 1, 0, 1, 1], Numbers(json.RootElement.GetProperty("alphas")).Take(5));
        Assert.Equal(77, json.RootElement.GetProperty("mapper").GetArrayLength());
    }

    [Theory]
    [InlineData("replace", "--kind", "replace")]
    [InlineData("auto")]
    [InlineData("naive", "--kind", "naive")]
    [InlineData("naive", "--align", "naive")]
    public void OthersAreMatrices(string kind, params string[] options)
    {
        using var json = Align("a cat sat", "a (dog:1.5) sat", options);
        Assert.Equal(kind, json.RootElement.GetProperty("kind").GetString());
        var mapper = json.RootElement.GetProperty("mapper");
        Assert.Equal(77, mapper.GetArrayLength());
        Assert.Equal([0, 0, 1, 0], Numbers(mapper[2]).Take(4));
        Assert.Equal(77, mapper[2].GetArrayLength());
    }

    [Fact]
    public void LongPromptsAreAlignedInChunks()
    {
        var tail = string.Concat(Enumerable.Repeat(" cat", 80));
        using var json = Align("a (dog:1.2)" + tail, "a fox" + tail, "--long-prompts");
        Assert.Equal(154, json.RootElement.GetProperty("mapper").GetArrayLength());
        Assert.Contains("--kind: refine supports", InProcess.Run("align", "a dog" + tail, "a fox" + tail, "--kind", "refine", "--long-prompts", "--model", EmbeddedModel.Folder()).FailedWith(2));
    }

    [Fact]
    public void TableIsReadable()
    {
        var table = InProcess.Run("align", "a cat sat", "a dog sat", "--model", EmbeddedModel.Folder()).Succeeded();
        Assert.Contains(table.Split('\n'), line => line.Contains("dog") && line.Contains("cat"));
    }

    [Fact]
    public void ReplaceOfDifferentLengthsIsAnError() =>
        InProcess.Run("align", "a cat sat", "a fluffy cat sat", "--kind", "replace", "--model", EmbeddedModel.Folder()).FailedWith(2);

    private static JsonDocument Align(string source, string target, params string[] options) =>
        JsonDocument.Parse(InProcess.Run(["align", source, target, "--json", "--model", EmbeddedModel.Folder(), .. options]).Succeeded());

    private static IEnumerable<double> Numbers(JsonElement array) => array.EnumerateArray().Select(number => number.GetDouble());
}
