using System.Text;
using PromptToPrompt.Cli.Printing;
using Spectre.Console;

namespace PromptToPrompt.Cli.Tests;

/// <summary>Runs the command within the test process: what it does and prints is the same there, and the test is seconds shorter.</summary>
internal static class InProcess
{
    private static readonly AsyncLocal<Printed?> Current = new();

    static InProcess()
    {
        Console.SetOut(new Router(Console.Out, printed => printed.Output.Writer));
        Console.SetError(new Router(Console.Error, printed => printed.Error.Writer));
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Console.Out),
        });
    }

    public static Outcome Run(params string[] arguments) => Run(TestContext.Current.CancellationToken, arguments);

    /// <summary>Runs with a token that stops it, as Ctrl-C does.</summary>
    public static Outcome Run(CancellationToken cancellationToken, params string[] arguments)
    {
        var printed = new Printed();
        Current.Value = printed;
        try
        {
            var code = new CommandLine(CommandLine.Create(cancellationToken)).Run(arguments);
            return new Outcome(code, printed.Output.Text, printed.Error.Text);
        }
        finally
        {
            Current.Value = null;
        }
    }

    private sealed class Printed
    {
        public Capture Output { get; } = new(isForMessages: false);

        public Capture Error { get; } = new(isForMessages: true);
    }

    /// <summary>A stream of the command, cleaned as the real one is.</summary>
    private sealed class Capture
    {
        private readonly MemoryStream bytes = new();

        public Capture(bool isForMessages) => Writer = new TerminalWriter(bytes, isForMessages);

        public TerminalWriter Writer { get; }

        public string Text => Encoding.UTF8.GetString(bytes.ToArray());
    }

    // The streams belong to the whole process, and test classes run side by side.
    private sealed class Router(TextWriter others, Func<Printed, TextWriter> stream) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        private TextWriter Target => Current.Value is { } printed ? stream(printed) : others;

        public override void Write(char value) => Target.Write(value);

        public override void Write(char[] buffer, int index, int count) => Target.Write(buffer, index, count);

        public override void Write(string? value) => Target.Write(value);

        public override void WriteLine(string? value) => Target.WriteLine(value);
    }
}
