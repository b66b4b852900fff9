namespace PromptToPrompt.Cli.Tests.Printing;

/// <summary>Runs the command as a shell does, with its streams closed, full, or read by a program that has gone.</summary>
[Trait("Category", "Process")]
public sealed class StandardStreamsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("generate 'a red house' --steps 1 --size 64x64", "2>&- >&- <&-", "source.png", "run.json")]
    [InlineData("edit 'a red house' 'a blue house' --steps 1 --size 64x64", "2>/dev/full >/dev/full", "edit-1.png", "run.json")]
    [InlineData("attention 'a red house' --steps 1 --size 64x64 --json", "2>&-", "attention.png", "run.json")]
    [InlineData("generate 'a red house' --steps 1 --size 64x64", ">&-", "source.png", "run.json")]
    public void ARunKeepsItsResult(string command, string streams, params string[] files)
    {
        Assert.Equal(0, Shell($"{Program} {command} --model {TinyModel.Shared.Folder} -o {folder["out"]} {streams}").Code);
        foreach (var file in files)
            Assert.True(new FileInfo(Path.Combine(folder["out"], file)).Length > 0, file);
        Assert.DoesNotContain(Directory.GetFiles(folder["out"]), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tokens 'a cat' --json", ">/dev/full")]
    [InlineData("tokens 'a cat'", ">&-")]
    [InlineData("align 'a cat' 'a dog' --json", ">/dev/full")]
    [InlineData("models list --json", ">/dev/full")]
    [InlineData("edit --help", ">/dev/full")]
    [InlineData("--version", ">&-")]
    public void WhatWasAskedForAndCannotBePrintedIsAFailure(string command, string streams)
    {
        _ = TinyModel.Shared.Folder;
        var (code, _, error) = Shell($"{Program} {command} {streams}");
        Assert.Equal(1, code);
        Assert.Contains("standard output cannot be written", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void JSONThatIsLostIsAFailureThatKeepsTheFiles()
    {
        var (code, _, error) = Shell($"{Program} generate 'a cat' --steps 1 --size 64x64 --json --quiet --model {TinyModel.Shared.Folder} -o {folder["out"]} >/dev/full");
        Assert.Equal(1, code);
        Assert.Contains("No space left on device", error);
        Assert.True(File.Exists(Path.Combine(folder["out"], "run.json")));
    }

    [Theory]
    [InlineData("no-such-command", 2)]
    public void ErrorsKeepTheirExitCodeWhereNobodyCanReadThem(string command, int code)
    {
        foreach (var streams in new[] { "2>&-", "2>/dev/full", "<&- >&- 2>&-" })
            Assert.Equal(code, Shell($"{Program} {command} {streams}").Code);
    }

    /// <summary>An input that never ends, and a reader that wants one line of it.</summary>
    [Fact]
    public void AReaderThatGoesEndsTheCommandWithoutAWord()
    {
        _ = TinyModel.Shared.Folder;
        var (code, output, error) = Shell($"yes 'a cat' 2>/dev/null | {{ {Program} tokens --json -; echo code $? >&2; }} | head -n 1");
        Assert.Equal(0, code);
        Assert.StartsWith("{\"ids\":[", output);
        Assert.Equal("code 0\n", error);
    }

    [Fact]
    public void EscapeCharactersNeverReachTheTerminal()
    {
        var (code, _, error) = Shell($"{Program} generate a --steps \"$(printf 'a \\033]0;title\\007\\302\\23331m \\342\\200\\256cat')\"");
        Assert.Equal(2, code);
        Assert.DoesNotContain(error, character => (char.IsControl(character) && character != '\n') || character == '\u202E');
        Assert.Contains("a \\u001B]0;title\\u0007\\u009B31m \\u202Ecat", error);
    }

    public void Dispose() => folder.Dispose();

    private static string Program => P2P.Command;

    private static (int Code, string Output, string Error) Shell(string script)
    {
        var outcome = P2P.RunShell(script);
        return (outcome.ExitCode, outcome.Output, outcome.Error);
    }
}
