using System.Text.Json;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class DoctorCommandTests
{
    [Fact]
    public void TellsWhatWasFound()
    {
        using var json = JsonDocument.Parse(InProcess.Run("doctor", "--json", "--model", EmbeddedModel.Folder()).Succeeded());
        Assert.True(json.RootElement.GetProperty("threads").GetInt32() > 0);
        Assert.Equal("cpu", json.RootElement.GetProperty("device").GetString());
        Assert.Contains("comparisons with float64 passed", json.RootElement.GetProperty("numerics").GetString());
        Assert.Contains(json.RootElement.GetProperty("float32 linear layers").GetString(), (string?[])["MKL", "oneDNN"]);
        Assert.Contains("family", json.RootElement.GetProperty("processor").GetString());
    }

    [Fact]
    public void EndsWithAVerdict() =>
        Assert.EndsWith("All checks passed: p2p works on this machine and runs on cpu.\n", InProcess.Run("doctor", "--device", "cpu", "--model", EmbeddedModel.Folder()).Succeeded());

    [Fact]
    public void MissingModelIsOneSentence() =>
        Assert.Contains("no-such-model", InProcess.Run("doctor", "--model", "no-such-model").FailedWith(1));
}
