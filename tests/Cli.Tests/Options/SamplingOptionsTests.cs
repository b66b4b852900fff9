using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Cli.Tests.Options;

/// <summary>What the command line leaves out has the library's default.</summary>
public sealed class SamplingOptionsTests
{
    [Fact]
    public void ACommandWithoutOptionsSamplesWithTheDefaults()
    {
        var command = new Command("make");
        var options = new SamplingOptions().AddTo(command);
        Assert.Equal(new SamplingSettings(), options.Settings(command.Parse([])));
    }

    [Fact]
    public void ACommandWithoutOptionsInvertsWithTheDefaults()
    {
        var command = new Command("make");
        var options = InversionOptions.OfInversion().AddTo(command);
        Assert.Equal(new InversionSettings { Prompt = "a house" }, options.Settings(command.Parse([]), "a house", new SamplingSettings()));
    }
}
