using System.Globalization;
using System.Runtime.InteropServices;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Work;

namespace PromptToPrompt.Cluster.Tests.Work;

/// <summary>A worker of text as a process of its own.</summary>
internal static class TextWorker
{
    public const string Command = "text-worker";

    public static async Task<int> Run(string address, string log, string pause)
    {
        using var drain = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            drain.Cancel();
        });
        await using var link = await ClusterLink.Open(ClusterAddress.Parse(address), line => Console.Error.WriteLine(line), drain.Token);
        var milliseconds = double.Parse(pause, CultureInfo.InvariantCulture);
        var worker = new ShardWorker(link, new WorkerSettings { EndsWhenIdle = true, Say = line => Console.Error.WriteLine(line) }, (run, _) => new TextMaker(run, log, TimeSpan.FromMilliseconds(milliseconds)));
        try
        {
            await worker.Run(drain.Token);
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }
}
