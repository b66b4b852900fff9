namespace PromptToPrompt.Cli.Tests.Commands;

// Making one takes gigabytes; what it writes is tested at a small size in Diffusion.Tests.
public sealed class RandomModelCommandTests
{
    [Fact]
    public void UnknownModelsAreListedAgainstKnownOnes() =>
        Assert.Contains("sd15, sd21 or sdxl", InProcess.Run("models", "random", "--manifest", "sd9").FailedWith(2));

    [Fact]
    public void AModelIsNotOverwritten()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model_index.json"], "{}");
        Assert.Contains(folder.Path, InProcess.Run("models", "random", "-o", folder.Path).FailedWith(2));
        Assert.Equal(["model_index.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void AForeignTokenizerIsNamed()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(folder["none"], InProcess.Run("models", "random", "-o", folder["m"], "--tokenizer", folder["none"]).FailedWith(2));
    }
}
