namespace PromptToPrompt.Cli.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("Only the source prompt", "edit", "one prompt")]
    [InlineData("--steps: \"many\" is not valid", "edit", "a", "b", "--steps", "many")]
    [InlineData("--size: \"64\" is not valid", "generate", "a", "--size", "64")]
    [InlineData("--guidance: \"NaN\" is not valid", "generate", "a", "--guidance", "NaN")]
    [InlineData("--device: \"tpu\" is not valid", "generate", "a", "--device", "tpu")]
    [InlineData("--kind: \"swap\" is not valid", "edit", "a", "b", "--kind", "swap")]
    [InlineData("--align: \"auto\" is not valid", "edit", "a", "b", "--align", "auto")]
    [InlineData("--weight", "edit", "a", "b", "--weight", "snow")]
    [InlineData("--cross-steps", "edit", "a", "b", "--cross-steps", "1.5")]
    [InlineData("--self-steps", "edit", "a", "b", "--self-steps", "0.5..0.1")]
    [InlineData("--self-resolution", "edit", "a", "b", "--self-resolution", "64")]
    [InlineData("--blend", "edit", "a", "b", "--blend", ":")]
    [InlineData("--mask", "edit", "a", "b", "--mask", "no-such.png")]
    [InlineData("--align: It cannot be combined with --kind", "edit", "a", "b", "--kind", "refine", "--align", "naive")]
    [InlineData("--scheduler", "generate", "a", "--scheduler", "magic")]
    [InlineData("--model", "generate", "a", "--model", "no-such-model")]
    [InlineData("--model", "tokens", "a", "--model", "no-such-model")]
    [InlineData("--steps: \"1.5e0\" is not valid", "edit", "a", "b", "--steps", "1.5e0")]
    [InlineData("Did you mean inpaint?", "paint")]
    [InlineData("There is no command or option \"edti\". Did you mean edit?", "edti", "a", "b")]
    [InlineData("Did you mean --weight?", "edit", "a", "b", "--wieght", "b=2")]
    [InlineData("There is no command or option \"train\"", "train")]
    [InlineData("Did you mean --steps?", "generate", "a cat", "--step", "5")]
    [InlineData("There is no option \"--wieght\"", "edit", "a", "b", "--wieght", "b=2")]
    [InlineData("in quotes", "generate", "a", "cat")]
    [InlineData("info, check", "models")]
    [InlineData("p2p: model: ", "models", "info", "no-such-model")]
    [InlineData("p2p --help")]
    public void WrongInputIsOneLineAndExitCode2(string expected, params string[] arguments) =>
        Assert.Contains(expected, InProcess.Run(arguments).FailedWith(2));

    [Theory]
    [InlineData("--edit")]
    [InlineData("generate", "a cat", "--generate")]
    [InlineData("steps")]
    public void DashesDistinguishOptionsFromCommands(params string[] arguments) => Assert.DoesNotContain("Did you mean", InProcess.Run(arguments).FailedWith(2), StringComparison.Ordinal);

    [Fact]
    [Trait("Category", "Process")]
    public void AProcessEndsWithTheExitCode() => Assert.StartsWith("p2p: --steps: ", P2P.Run("generate", "a", "--steps", "many").FailedWith(2));

    [Fact]
    [Trait("Category", "Process")]
    public void HelpAndVersionSucceed()
    {
        var help = P2P.Run("--help");
        Assert.Contains("p2p [command] [options]", help.Succeeded());
        Assert.Equal("", help.Error);
        Assert.Contains("p2p edit <prompts>... [options]", P2P.Run("edit", "-h").Succeeded());
        Assert.Matches(@"^\d+\.\d+\.\d+", P2P.Run("--version").Succeeded());
    }
}
