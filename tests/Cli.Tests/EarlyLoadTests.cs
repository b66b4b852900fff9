namespace PromptToPrompt.Cli.Tests;

public sealed class EarlyLoadTests
{
    [Theory]
    [InlineData(true, "edit", "a cat", "a dog")]
    [InlineData(true, "generate", "a cat", "--steps", "1")]
    [InlineData(false, "edit", "--help")]
    [InlineData(false, "edit", "a cat", "a dog", "-h")]
    [InlineData(false, "edit")]
    [InlineData(false, "tokens", "a cat")]
    [InlineData(false, "--help")]
    [InlineData(false)]
    public void OnlyCommandsThatMakePicturesLoadLibtorchEarly(bool isNeeded, params string[] args) => Assert.Equal(isNeeded, EarlyLoad.IsNeeded(args));

    [Fact]
    [Trait("Category", "Process")]
    public void AnErrorInTheCommandLineEndsTheProcessWhileLibtorchIsLoading()
    {
        for (var run = 0; run < 5; run++)
            Assert.Contains("Only the source prompt is given", P2P.Run("edit", "a cat").FailedWith(2));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void WithoutACurrentDirectoryTheCommandSaysSo()
    {
        using var folder = new TemporaryFolder();
        var outcome = P2P.RunShell($"mkdir {folder["gone"]} && cd {folder["gone"]} && rmdir {folder["gone"]} && {P2P.Command} edit 'a cat' 'a dog'");
        Assert.Contains("The current directory no longer exists", outcome.FailedWith(2));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void OutputOfNativeLibrariesIsNotLost()
    {
        using var folder = new TemporaryFolder();
        var output = P2P.RunIn(
            new Dictionary<string, string> { ["ONEDNN_VERBOSE"] = "profile_exec" }, "generate", "a cat", "--steps", "1", "--model", EmbeddedModel.Folder(), "-o", folder["out"]).Succeeded();
        Assert.Contains("onednn_verbose", output);
        Assert.EndsWith("\n", output);
    }
}
