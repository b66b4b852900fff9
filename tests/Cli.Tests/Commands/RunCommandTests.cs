using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>A recorded run, made again, gives the same files.</summary>
[Trait("Category", "Slow")]
public sealed class RunCommandTests : IDisposable
{
    private static readonly string[] Fast = ["--steps", "2", "--size", "64x64", "--quiet", "--model", TinyModel.Shared.Folder];
    private readonly TemporaryFolder folder = new();

    public RunCommandTests()
    {
        Shaded("picture.png", i => (byte)(i * 7 / 3));
        Shaded("mask.png", i => (byte)(i / 3 % 64 is > 20 and < 44 ? 255 : 0));
    }

    [Fact]
    public void AnEditOfAPhotographIsRepeatedFromItsImageAndRefusedWithoutIt()
    {
        InProcess.Run([
            "edit", "a red ball", "a (blue:1.5) ball, at night", "--image", folder["picture.png"], "--mask", folder["mask.png"], "--method", "direct", "--negative", "-people",
            "--trace", folder["trace.safetensors"], "-o", folder["first"], .. Fast]).Succeeded();
        var again = InProcess.Run("run", folder["first/edit-1.png"], "-o", folder["again"], "--json");
        var record = JsonNode.Parse(again.Succeeded())!;
        Assert.True((bool)record["identical"]!, again.Error);
        AssertSame("first", "again", "source.png", "reconstruction.png", "edit-1.png", "grid.png");
        Assert.Equal(File.ReadAllBytes(folder["trace.safetensors"]), File.ReadAllBytes(folder["again/trace.safetensors"]));
        // What was repeated can be repeated.
        Assert.Contains("bit for bit", InProcess.Run("run", folder["again"], "-o", folder["first"]).Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["first/2"]));

        Change("first/run.json", record => record["modelFingerprint"] = "0000");
        Assert.Contains("another model", InProcess.Run("run", folder["first/run.json"], "-o", folder["none"]).FailedWith(2), StringComparison.Ordinal);
        Shaded("picture.png", i => (byte)i);
        Assert.Contains("has changed", InProcess.Run("run", folder["again/run.json"], "-o", folder["none"]).FailedWith(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["none"]));
    }

    [Fact]
    public void AnInversionIsRepeatedAndSoIsTheEditThatReadsIt()
    {
        InProcess.Run(["invert", folder["picture.png"], "a red ball", "--inner-steps", "1", "--no-comparison", "-o", folder["ball.safetensors"], .. Fast]).Succeeded();
        InProcess.Run("run", folder["ball.run.json"], "-o", folder["again"]).Succeeded();
        Assert.Equal(File.ReadAllBytes(folder["ball.safetensors"]), File.ReadAllBytes(folder["again/ball.safetensors"]));
        InProcess.Run(["edit", "--inversion", folder["ball.safetensors"], "a blue ball", "-o", folder["edit"], "--quiet", "--model", TinyModel.Shared.Folder]).Succeeded();
        InProcess.Run("run", folder["edit"], "-o", folder["edit again"]).Succeeded();
        AssertSame("edit", "edit again", "reconstruction.png", "edit-1.png");
    }

    [Fact]
    public void FilledImagesAndAttentionAreRepeated()
    {
        InProcess.Run(["inpaint", folder["picture.png"], folder["mask.png"], "a house", "--keep-outside", "false", "--seed", "5", "-o", folder["filled"], .. Fast]).Succeeded();
        InProcess.Run("run", folder["filled/edit-1.png"], "-o", folder["filled again"]).Succeeded();
        AssertSame("filled", "filled again", "source.png", "mask-overlay.png", "edit-1.png", "grid.png");
        InProcess.Run(["attention", "a red ball", "-o", folder["looked at"], .. Fast]).Succeeded();
        InProcess.Run("run", folder["looked at/attention.png"], "-o", folder["looked at again"]).Succeeded();
        AssertSame("looked at", "looked at again", "source.png", "attention.png", "attention-over-time.png", "self-attention.png");
    }

    [Fact]
    public void AnotherRunGoesToANumberedFolderAndSaysSo()
    {
        string[] run = ["generate", "a red ball", "-o", folder["out"], "--json", .. Fast];
        InProcess.Run(run).Succeeded();
        var second = InProcess.Run([.. run, "--seed", "1"]);
        Assert.Equal(folder["out/2"], (string?)JsonNode.Parse(second.Succeeded())!["folder"]);
        Assert.Contains("--overwrite", second.Error, StringComparison.Ordinal);
        Assert.NotEqual(Image.Load(folder["out/source.png"]).Rgb, Image.Load(folder["out/2/source.png"]).Rgb);
    }

    public void Dispose() => folder.Dispose();

    private void AssertSame(string first, string second, params string[] names) =>
        Assert.All(names, name => Assert.Equal(File.ReadAllBytes(folder[$"{first}/{name}"]), File.ReadAllBytes(folder[$"{second}/{name}"])));

    private void Change(string name, Action<JsonObject> change)
    {
        var record = JsonNode.Parse(File.ReadAllText(folder[name]))!.AsObject();
        change(record);
        File.WriteAllText(folder[name], record.ToJsonString());
    }

    private void Shaded(string name, Func<int, byte> shade) => new Image(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(shade)]).SavePng(folder[name]);
}
