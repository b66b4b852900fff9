using System.Diagnostics;

namespace PromptToPrompt.Cli.Tests;

[Trait("Category", "Process")]
public sealed class HelpTests
{
    [Fact]
    public async Task The_command_starts_and_prints_its_help()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "p2p.dll"), "--help"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var command = Process.Start(start)!;
        var errors = command.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await command.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await command.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", await errors);
        Assert.Equal(0, command.ExitCode);
    }
}
