using System.CommandLine;
using PromptToPrompt.Cli.Clusters;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Work;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using TorchSharp;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p worker</c>: makes shards of the runs of a cluster.</summary>
internal static class WorkerCommand
{
    public static Command Create(CancellationToken cancellationToken)
    {
        var cluster = new ClusterOption("The cluster to work for", isRequired: true);
        var device = Parsed.Of("--device", "Device: auto, cpu, cuda or cuda:N", "auto, cpu, cuda or cuda:N", ModelOptions.ReadDevice);
        device.DefaultValueFactory = _ => ComputeDevice.Auto;
        var threads = Parsed.OptionalNumber<int>("--threads", "Threads of the computation on a CPU; by default as many as libtorch chooses");
        var idle = new Option<bool>("--idle-exit") { Description = "End when no run is open" };
        var quiet = new Option<bool>("--quiet") { Description = "Print errors only" };
        var command = new Command("worker", "Make shards of data sets for a cluster. Ctrl-C gives up the current item and leaves the shard to others").In(HelpGroup.Cluster);
        cluster.AddTo(command);
        foreach (var option in new Option[] { device, threads, idle, quiet })
            command.Add(option);
        command.SetAction(parse =>
        {
            if (parse.GetValue(threads) is { } count)
                InvalidInputException.RequireRange(count, 1, 1024, threads.Name);
            var address = cluster.Read(parse);
            // A device that is not there is an error now, not with the first run.
            var found = ComputeDevice.Named(parse.GetValue(device)!);
            if (parse.GetValue(threads) is { } wanted)
                torch.set_num_threads(wanted);
            var settings = new WorkerSettings { Device = ComputeDevice.Describe(found), EndsWhenIdle = parse.GetValue(idle), Say = parse.GetValue(quiet) ? null : Console.Error.WriteLine };
            return Work(address, found.ToString(), settings, cancellationToken).GetAwaiter().GetResult();
        });
        return command;
    }

    private static async Task<int> Work(ClusterAddress address, string device, WorkerSettings settings, CancellationToken cancellationToken)
    {
        using var model = new WorkerModel();
        await using var link = await ClusterLink.Open(address, Console.Error.WriteLine, cancellationToken);
        settings.Say?.Invoke($"The worker {settings.Id} is ready ({settings.Device}).");
        var worker = new ShardWorker(link, settings, (run, stop) => BatchShards.Open(run, device, model, stop));
        try
        {
            await worker.Run(cancellationToken);
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(worker.LeftShard ? "p2p: Stopped. Finished items are kept, and other workers get the shard." : "p2p: Stopped.");
            return ExitCode.Interrupted;
        }
    }
}
