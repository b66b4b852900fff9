using System.Globalization;
using System.Text;

namespace PromptToPrompt.Cli.Printing;

/// <summary>
/// Standard output or standard error. All that is printed goes through here: nothing a terminal would obey gets out, and a stream that cannot be
/// written costs the run nothing.
/// </summary>
/// <param name="stream">Where it goes, unbuffered.</param>
/// <param name="isForMessages">Whether each line is one message, which has to stay short.</param>
internal sealed class TerminalWriter(Stream stream, bool isForMessages) : TextWriter(CultureInfo.InvariantCulture)
{
    private readonly Lock writing = new();
    private readonly Encoder encoder = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false).GetEncoder();

    /// <inheritdoc/>
    public override Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Why something could not be written, or null. A reader that has gone has what it wanted and is no problem.</summary>
    public IOException? Problem { get; private set; }

    /// <summary>Whether nothing more can be written, so that going on printing is of no use.</summary>
    public bool IsBroken { get; private set; }

    /// <inheritdoc/>
    public override void Write(char value) => Write([value]);

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => WriteAsIs(Printable.Text(buffer));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => WriteAsIs((isForMessages ? Printable.Line(value ?? "") : Printable.Text(value)) + "\n");

    /// <summary>Writes what steers the terminal and is the program's own, such as a progress bar.</summary>
    public void WriteAsIs(ReadOnlySpan<char> text)
    {
        lock (writing)
        {
            if (IsBroken)
                return;
            var bytes = new byte[encoder.GetByteCount(text, flush: false)];
            encoder.GetBytes(text, bytes, flush: false);
            try
            {
                stream.Write(bytes);
            }
            catch (IOException e)
            {
                IsBroken = true;
                Problem = e is ReaderGoneException ? null : e;
            }
        }
    }
}
