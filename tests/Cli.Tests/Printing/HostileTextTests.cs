namespace PromptToPrompt.Cli.Tests.Printing;

/// <summary>Whatever is given to a command, what it prints is harmless and short.</summary>
public sealed class HostileTextTests
{
    private const string Escapes = "a \u001b]0;title\u0007\u001b[31mred\u009b31m \u202ecat";

    [Theory]
    [InlineData("tokens", Escapes)]
    [InlineData("tokens", Escapes, "--json")]
    [InlineData("align", Escapes, Escapes)]
    [InlineData("generate", "a", "--model", Escapes)]
    [InlineData("generate", "a", "--steps", Escapes)]
    [InlineData(Escapes)]
    public void EscapeCharactersAreWrittenOut(params string[] command)
    {
        var run = InProcess.Run(command);
        var printed = run.Output + run.Error;
        Assert.DoesNotContain(printed, character => (char.IsControl(character) && character != '\n') || character == '\u202E');
        Assert.Contains("\\u001B", printed, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("tokens")]
    [InlineData("align", "a cat")]
    [InlineData("edit", "a cat", "a dog", "--blend")]
    [InlineData("generate", "a", "--model")]
    public void APromptOfAHundredThousandCharactersDoesNotFillTheScreen(params string[] command)
    {
        var run = InProcess.Run([.. command, string.Concat(Enumerable.Repeat("castle ", 15_000)) + new string('x', 20_000)]);
        Assert.InRange(run.Output.Length + run.Error.Length, 1, 30_000);
    }
}
