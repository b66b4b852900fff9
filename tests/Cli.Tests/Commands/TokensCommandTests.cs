using System.Text.Json;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class TokensCommandTests
{
    [Fact]
    [Trait("Category", "Process")]
    public void PrintsOneObjectForEachPromptAndLine()
    {
        var lines = P2P.RunWithInput("a dog\nune forêt 🎉\n", "tokens", "@a cat, sitting", "-", "--json", "--model", EmbeddedModel.Folder())
            .Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        using var json = JsonDocument.Parse(lines[0]);
        Assert.Equal(77, json.RootElement.GetProperty("ids").GetArrayLength());
        Assert.Equal("<|startoftext|>", json.RootElement.GetProperty("tokens")[0].GetString());
        var words = json.RootElement.GetProperty("words").EnumerateArray().ToArray();
        Assert.Equal(["@a", "cat,", "sitting"], words.Select(word => word.GetProperty("text").GetString()));
        Assert.Equal([3, 4], words[1].GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()));
        Assert.Equal(0, json.RootElement.GetProperty("truncated").GetArrayLength());
        Assert.Contains("forêt", lines[2]);
    }

    [Fact]
    public void NamesTruncatedWords()
    {
        var outcome = InProcess.Run("tokens", "--model", EmbeddedModel.Folder(), string.Concat(Enumerable.Repeat("cat ", 75)) + "castle");
        outcome.Succeeded();
        Assert.Contains("castle", outcome.Error);
        Assert.Contains("castle", InProcess.Run("tokens", "--long-prompts", "--model", EmbeddedModel.Folder(), string.Concat(Enumerable.Repeat("cat ", 75)) + "castle").Succeeded());
    }
}
