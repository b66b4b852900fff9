using System.Text;
using Spectre.Console;

namespace PromptToPrompt.Cli.Printing;

/// <summary>Standard output and standard error of this process.</summary>
internal static class StandardStreams
{
    /// <summary>Standard output.</summary>
    public static TerminalWriter Out { get; } = new(Open(1), isForMessages: false);

    /// <summary>Standard error.</summary>
    public static TerminalWriter Error { get; } = new(Open(2), isForMessages: true);

    /// <summary>Redirects the console to them. Always UTF-8 without a byte order mark, whatever the locale.</summary>
    public static void Use()
    {
        ClosedStreams.Replace();
        Console.SetOut(Out);
        Console.SetError(Error);
    }

    /// <summary>A console on standard error for a progress bar, which needs control sequences.</summary>
    public static IAnsiConsole ForProgress() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new ProgressOutput() });

    private static Stream Open(int descriptor) =>
        !OperatingSystem.IsWindows() ? new StandardStream(descriptor)
        : descriptor == 1 ? Console.OpenStandardOutput() : Console.OpenStandardError();

    private sealed class ProgressOutput : IAnsiConsoleOutput
    {
        private readonly AnsiConsoleOutput sizes = new(Error);

        public TextWriter Writer { get; } = new AsIs();

        public bool IsTerminal => !Console.IsErrorRedirected;

        public int Width => sizes.Width;

        public int Height => sizes.Height;

        public void SetEncoding(Encoding encoding)
        {
        }

        private sealed class AsIs : TextWriter
        {
            public override Encoding Encoding => Error.Encoding;

            public override void Write(char value) => Error.WriteAsIs([value]);

            public override void Write(char[] buffer, int index, int count) => Error.WriteAsIs(buffer.AsSpan(index, count));

            public override void Write(string? value) => Error.WriteAsIs(value);
        }
    }
}
