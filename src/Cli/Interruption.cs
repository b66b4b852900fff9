using System.Runtime.InteropServices;

namespace PromptToPrompt.Cli;

/// <summary>Turns the first Ctrl-C (or a request to terminate) into a cancellation; the second one ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private const PosixSignal FileTooLarge = (PosixSignal)25;
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;

    public Interruption() => registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        // A file that grows beyond what the shell allows (ulimit -f) would end the process; so writing fails instead, and says why.
        PosixSignalRegistration.Create(FileTooLarge, context => context.Cancel = true),
    ];

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
