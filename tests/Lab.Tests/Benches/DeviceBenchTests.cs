using System.Text.Json;
using TorchSharp;

namespace PromptToPrompt.Lab.Tests.Benches;

[Trait("Category", "Process")]
public sealed class DeviceBenchTests
{
    [Fact]
    public void WhereNoGpuIsItSaysSo()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "there is a GPU here");
        Assert.Contains("There is no GPU to measure: this libtorch supports only the CPU", P2P.RunLab("bench", "device", "--model", EmbeddedModel.Folder()).FailedWith(2));
    }

    [Fact]
    public void OnTheCpuItComparesTheTypesOfNumbers()
    {
        var run = P2P.RunLab("bench", "device", "--device", "cpu", "--sides", "64,128", "--steps", "1", "--parity-steps", "2", "--quiet", "--json", "--model", EmbeddedModel.Folder());
        using var json = JsonDocument.Parse(run.Succeeded());
        var types = json.RootElement.GetProperty("types").EnumerateArray().ToDictionary(type => type.GetProperty("dtype").GetString()!);
        Assert.Equal(0, types["float32"].GetProperty("latentError").GetDouble());
        Assert.InRange(types["bfloat16"].GetProperty("latentError").GetDouble(), 1e-5, 0.2);
        Assert.Equal([64, 128, 64, 128], json.RootElement.GetProperty("edits").EnumerateArray().Select(edit => edit.GetProperty("side").GetInt32()));
        Assert.Null(json.RootElement.GetProperty("failure").GetString());
    }

    [Fact]
    public void OnAGpuItAgreesWithTheCpu()
    {
        Assert.SkipUnless(torch.cuda.is_available(), "there is no GPU here");
        P2P.RunLab("bench", "device", "--device", "cuda", "--sides", "128", "--steps", "2", "--quiet", "--model", EmbeddedModel.Folder()).Succeeded();
    }
}
