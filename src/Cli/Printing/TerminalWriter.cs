using System.Globalization;
using System.Text;

namespace PromptToPrompt.Cli.Printing;

/// <summary>
/// Standard output or standard error. Everything printed goes through here: control sequences are escaped, and a stream that cannot be
/// written does not stop the run.
/// </summary>
/// <param name="stream">The unbuffered stream.</param>
/// <param name="isForMessages">Whether each line is one message, to be kept short.</param>
internal sealed class TerminalWriter(Stream stream, bool isForMessages) : TextWriter(CultureInfo.InvariantCulture)
{
    private readonly Lock writing = new();
    private readonly Encoder encoder = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false).GetEncoder();

    /// <inheritdoc/>
    public override Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Why writing failed, or null. A closed pipe is not a problem.</summary>
    public IOException? Problem { get; private set; }

    /// <summary>Whether nothing more can be written.</summary>
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

    /// <summary>Writes the program's own control sequences, such as a progress bar.</summary>
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
