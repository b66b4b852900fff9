using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Clusters;

/// <summary>A run of <c>p2p batch</c> that workers make: registers it with the coordinators, and shows its progress.</summary>
internal sealed class ClusterRun
{
    // No shard and no plan of a user's own has this name.
    private const string PlanCopy = "run.plan";

    // A coordinator that takes over from a dead one needs about half of this time.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly ClusterLink link;
    private readonly BatchRequest request;
    private readonly RunDescription description;

    private ClusterRun(ClusterLink link, BatchRequest request, RunDescription description) => (this.link, this.request, this.description) = (link, request, description);

    /// <summary>The run's name.</summary>
    public string Id => description.Id;

    /// <summary>Writes the plan beside the data and registers the run, or finds it again.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="parse">The command line.</param>
    /// <param name="request">The checked request.</param>
    /// <param name="without">Names of options that do not concern workers.</param>
    /// <param name="cancellationToken">Stops waiting for a coordinator.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run or of other images.</exception>
    /// <exception cref="ClusterException">No coordinator answers.</exception>
    public static async Task<(ClusterRun Run, RunStatus Status)> Submit(ClusterLink link, ParseResult parse, BatchRequest request, string[] without, CancellationToken cancellationToken)
    {
        // The model's part of the manifest is known to workers alone.
        RunManifest.RequireFits(request.Folder, request.Manifest(model: null), request.Place);
        GivenImages.RequireExist(request);
        GivenImages.RequireSame(request);
        var source = Path.GetFullPath(request.Plan.Path);
        var plan = PlanCopy + Path.GetExtension(source).ToLowerInvariant();
        Directory.CreateDirectory(request.Folder);
        request.Place.Write(plan, File.ReadAllBytes(source), cancellationToken);
        var run = new ClusterRun(link, request, new RunDescription
        {
            Id = NameOf(request.Place.Name),
            Folder = request.Place.Name,
            Plan = request.Place.PathOf(plan),
            PlanHash = request.Plan.Hash,
            PlanFolder = Path.GetDirectoryName(source)!,
            Arguments = BatchInput.Arguments(parse, without),
            WorkingFolder = Directory.GetCurrentDirectory(),
            Items = request.Plan.Items.Count,
            ShardSize = request.ShardSize,
        });
        return (run, await run.Submit(cancellationToken));
    }

    /// <summary>Shows the run until it ends.</summary>
    public async Task<RunStatus> Watch(RunStatus status, IProgress<LongProgress> display, Action<string> warn, CancellationToken cancellationToken)
    {
        var warned = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            foreach (var refusal in status.Refusals.Where(refusal => warned.Add(refusal.ToString())))
                warn($"the worker {refusal.Worker} cannot make this run: {refusal.Problem}");
            if (status.LastProblem is { } problem && warned.Add(problem))
                warn($"a shard is tried again: {problem}");
            display.Report(new("batch", status.Done.Items, description.Items, "items", Note(status)));
            if (status.State != RunState.Open)
                return status;
            await Task.Delay(Look, cancellationToken);
            // A coordinator that keeps all in memory forgets its runs when it is restarted.
            status = await link.Call(grains => grains.GetGrain<IRun>(Id).Status(), cancellationToken) ?? await Submit(cancellationToken);
        }
    }

    // The name of the folder, and enough of a hash of its path to tell it from others of that name.
    private static string NameOf(string folder)
    {
        var path = Path.TrimEndingDirectorySeparator(folder);
        return $"{Path.GetFileName(path)}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..6]}";
    }

    private async Task<RunStatus> Submit(CancellationToken cancellationToken)
    {
        var survey = Survey(cancellationToken);
        return await link.CallWithin(grains => grains.GetGrain<IRun>(Id).Submit(description, survey), AnswerLimit, cancellationToken);
    }

    private Survey Survey(CancellationToken cancellationToken)
    {
        request.Place.Fetch(cancellationToken);
        var (bits, done) = (new byte[(request.Shards + 7) / 8], default(BatchProgress));
        for (var shard = 0; shard < request.Shards; shard++)
        {
            if (!new ShardPaths(request.Folder, shard).IsCommitted)
                continue;
            bits[shard >> 3] |= (byte)(1 << (shard & 7));
            done += ShardSurvey.Of(request, shard);
        }

        // The folder of unfinished work is deleted last of all.
        var isFinished = done.Items == request.Plan.Items.Count && !Directory.Exists(ShardPaths.AllUnfinished(request.Folder));
        return new Survey(bits, new Counts(done.Items, done.Failed, done.Made, done.Kept), isFinished);
    }

    private static string Note(RunStatus status)
    {
        var workers = (status.State, status.Leases.Length) switch
        {
            (not RunState.Open, _) => status.State.ToString().ToLowerInvariant(),
            (_, 0) => status.Refusals.Length > 0 ? $"no worker at work ({status.Refusals.Length} cannot make it)" : "no worker at work",
            (_, 1) => "1 worker",
            var (_, many) => $"{many} workers",
        };
        return status.Done.Made == 0 ? workers : string.Create(
            CultureInfo.InvariantCulture, $"{workers}, {100.0 * status.Done.Kept / status.Done.Made:F0} % of the pairs kept{(status.Done.Failed > 0 ? $", {status.Done.Failed} failed" : "")}");
    }
}
