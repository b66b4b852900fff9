using System.Text;

namespace PromptToPrompt.Cli.Tests;

/// <summary>Runs the command within the test process: an input error is the same there, and the test is a second shorter.</summary>
internal static class InProcess
{
    private static readonly AsyncLocal<StringWriter?> Written = new();

    static InProcess() => Console.SetError(new Router(Console.Error));

    public static Outcome Run(params string[] arguments)
    {
        using var error = new StringWriter();
        Written.Value = error;
        try
        {
            return new Outcome(new CommandLine(CommandLine.Create(TestContext.Current.CancellationToken)).Run(arguments), "", error.ToString());
        }
        finally
        {
            Written.Value = null;
        }
    }

    // Standard error belongs to the whole process, and test classes run side by side.
    private sealed class Router(TextWriter others) : TextWriter
    {
        public override Encoding Encoding => others.Encoding;

        public override void Write(char value) => (Written.Value ?? others).Write(value);

        public override void Write(string? value) => (Written.Value ?? others).Write(value);
    }
}
