using System.Text.Json;

namespace PromptToPrompt.Lab.Tests.Benches;

[Trait("Category", "Process")]
public sealed class ModelBenchTests
{
    [Fact]
    public void EveryWayOfEditingIsMeasured()
    {
        string[] run = ["bench", "model", "--model", EmbeddedModel.Folder(), "--size", "64x64", "--json"];
        using var all = JsonDocument.Parse(P2P.RunLab([.. run, "--what", "first-edit", "--what", "next-edit", "--what", "invert"]).Succeeded());
        var rows = all.RootElement.GetProperty("measured").EnumerateArray().ToList();
        Assert.Equal([0, 4, 2, 2, 1], rows.Select(row => row.GetProperty("rows").GetInt32()));
        Assert.All(rows, row => Assert.True(row.GetProperty("peakBytes").GetInt64() > 1 << 20));
        Assert.All(rows[1..4], row => Assert.True(row.GetProperty("stepSeconds").GetDouble() >= 0));
        Assert.False(all.RootElement.GetProperty("lowMemory").GetBoolean());

        using var low = JsonDocument.Parse(P2P.RunLab([.. run, "--low-memory"]).Succeeded());
        Assert.True(low.RootElement.GetProperty("lowMemory").GetBoolean());
    }

    [Fact]
    public void TooFewStepsToTellThemApartAreRefused() =>
        Assert.Contains("--steps is 2", P2P.RunLab("bench", "model", "--steps", "2", "--model", EmbeddedModel.Folder()).FailedWith(2));
}
