using System.CommandLine;
using PromptToPrompt.Cli.Options;

namespace PromptToPrompt.Cli.Tests.Options;

public sealed class OptionNamesTests
{
    [Theory]
    [InlineData("Steps", "--steps")]
    [InlineData("InnerSteps", "--inner-steps")]
    [InlineData("Scheduler", "--scheduler")]
    [InlineData("--output", "--output")]
    public void ASettingHasAnOption(string setting, string option) => Assert.Equal(option, OptionNames.Of(setting));

    [Fact]
    public void ACommandMayHaveAnArgumentInItsPlace()
    {
        var command = new Command("fill") { new Argument<string>("mask"), new Option<int>("--steps") };
        Assert.Equal("mask", OptionNames.Of("Mask", command));
        Assert.Equal("--steps", OptionNames.Of("Steps", command));
        Assert.Equal("--size", OptionNames.Of("Size", command));
    }

    [Fact]
    public void AnErrorOfTheLibraryNamesTheOption() =>
        Assert.Equal(
            "p2p: --scheduler: \"magic\" is unknown. Use ddim, pndm, dpm++, euler, euler-a or lcm.\n",
            InProcess.Run("generate", "a house", "--scheduler", "magic", "--model", EmbeddedModel.Folder()).Error);

    [Fact]
    public void AnErrorOfTheCommandLineHasTheSameForm() =>
        Assert.StartsWith("p2p: --steps: \"many\" is not valid. Use a whole number.", InProcess.Run("generate", "a house", "--steps", "many").Error);
}
