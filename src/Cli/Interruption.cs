using System.Runtime.InteropServices;

namespace PromptToPrompt.Cli;

/// <summary>Turns the first Ctrl-C (or a request to terminate) into a cancellation; the second one ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private const PosixSignal FileTooLarge = (PosixSignal)25;

    // Without this, a file above the shell's limit (ulimit -f) ends the process. Now the write fails with a message. The signal is handled on another thread, perhaps
    // when the command has already ended with that message, so this is never disposed.
    private static readonly PosixSignalRegistration OfFiles = PosixSignalRegistration.Create(FileTooLarge, context => context.Cancel = true);

    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;

    public Interruption()
    {
        _ = OfFiles;
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = !source.IsCancellationRequested;
        source.Cancel();
    }
}
