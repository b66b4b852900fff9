namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class ServeCommandTests
{
    [Theory]
    [InlineData("--port is 70000", "--port", "70000")]
    [InlineData("--host is \"somewhere\"", "--host", "somewhere")]
    [InlineData("no directory or file \"nothing\"", "--model", "nothing")]
    [InlineData("no directory or file \"nothing\"", "--also", "nothing")]
    [InlineData("must be at least 1", "--queue", "0")]
    public void What_does_not_fit_is_said_before_anything_listens(string sentence, params string[] arguments) =>
        Assert.Contains(sentence, P2P.Run(["serve", .. arguments]).FailedWith(2), StringComparison.Ordinal);

    [Fact]
    public void A_folder_that_cannot_be_used_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        Assert.Contains("--data", P2P.Run("serve", "--port", "0", "--model", Models.Storybook(), "--data", folder["file"]).FailedWith(2), StringComparison.Ordinal);
    }
}
