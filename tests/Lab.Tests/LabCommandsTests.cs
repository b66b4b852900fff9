namespace PromptToPrompt.Lab.Tests;

public sealed class LabCommandsTests
{
    [Theory]
    [InlineData("--pictures", "train", "--pictures", "0")]
    [InlineData("--pictures is 31", "train", "judge", "--pictures", "31")]
    [InlineData("--recipe: \"novel\" is not valid. Use storybook or storybook-256.", "train", "--recipe", "novel")]
    [InlineData("--autoencoder-crop must be a multiple of 16", "train", "--recipe", "storybook-256", "--autoencoder-crop", "40")]
    [InlineData("--dtype: \"float16\" is not valid", "train", "--dtype", "float16")]
    [InlineData("--device: \"tpu\" is not valid", "train", "judge", "--device", "tpu")]
    [InlineData("--count must be above 0", "bench", "autoencoder", "--count", "0")]
    [InlineData("p2p-lab: --judge: ", "bench", "weights", "--judge", "no-such-judge")]
    [InlineData("There is no command or option \"edit\"", "edit", "a", "b")]
    [InlineData("See \"p2p-lab bench --help\"", "bench")]
    public void WrongInputIsOneLineAndExitCode2(string expected, params string[] arguments) =>
        Assert.Contains(expected, P2P.RunLab(arguments).FailedWith(2));

    [Fact]
    public void HelpNamesTheCommands()
    {
        var help = P2P.RunLab("--help").Succeeded();
        Assert.Contains("p2p-lab", help);
        Assert.Contains("train", help);
        Assert.Contains("bench", help);
    }
}
