using System.Diagnostics;
using System.Text;

namespace PromptToPrompt.Batch.Filters;

/// <summary>A command as a filter. It is started once, gets a line of JSON for each pair on its standard input and answers each with a line on its standard output.</summary>
/// <param name="command">The command, as a shell takes it.</param>
internal sealed class CommandFilter(string command) : AskingFilter
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    // Status of a shell that cannot run a command, or does not find it.
    private const int NotExecutable = 126;
    private const int NotFound = 127;
    private const int NotFoundOfWindows = 9009;

    // A process that closes its output usually ends at once.
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    private Process? process;

    /// <inheritdoc/>
    protected override string Name => $"\"{command}\"";

    /// <inheritdoc/>
    public override void Dispose()
    {
        End();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task<string?> AskAsync(string question, CancellationToken cancellationToken)
    {
        var running = process ??= Start();
        try
        {
            await running.StandardInput.WriteAsync($"{question}\n".AsMemory(), cancellationToken).ConfigureAwait(false);
            await running.StandardInput.FlushAsync(cancellationToken).ConfigureAwait(false);
            var answer = await running.StandardOutput.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            if (answer is null)
                RequireStart(running, null);
            return answer;
        }
        catch (IOException e) when (e is not FilterStartException)
        {
            RequireStart(running, e);
            throw new IOException($"The filter {Name} does not read its questions.", e);
        }
    }

    /// <inheritdoc/>
    protected override void GiveUp() => End();

    private void RequireStart(Process running, IOException? cause)
    {
        if (HasAnswered || !running.WaitForExit(EndLimit))
            return;
        var problem = running.ExitCode switch
        {
            NotFound or NotFoundOfWindows => "its command was not found",
            NotExecutable => "its command cannot be executed",
            _ => null,
        };
        if (problem is not null)
            throw new FilterStartException($"The filter {Name} did not start: {problem} (status {running.ExitCode}). Correct the command. Finished items are kept.", cause);
    }

    private Process Start()
    {
        var start = OperatingSystem.IsWindows() ? new ProcessStartInfo("cmd", ["/c", command]) : new ProcessStartInfo("/bin/sh", ["-c", command]);
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        start.StandardInputEncoding = start.StandardOutputEncoding = Utf8;
        return Process.Start(start)!;
    }

    private void End()
    {
        if (process is not { } running)
            return;
        process = null;
        running.Kill(entireProcessTree: true);
        running.Dispose();
    }
}
