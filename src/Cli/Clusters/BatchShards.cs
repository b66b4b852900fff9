using System.CommandLine;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Work;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Clusters;

/// <summary>Makes the shards of a run of <c>p2p batch</c> on a worker.</summary>
internal sealed class BatchShards : ShardMaker
{
    private static readonly string FolderAtStart = Directory.GetCurrentDirectory();

    private readonly BatchRequest request;
    private readonly BatchRun run;

    private BatchShards(BatchRequest request, BatchRun run) => (this.request, this.run) = (request, run);

    /// <summary>Repeats the command of a run, up to its first shard.</summary>
    /// <param name="description">The run.</param>
    /// <param name="device">The worker's device.</param>
    /// <param name="models">Loads the model.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidInputException">This worker cannot make the run.</exception>
    public static BatchShards Open(RunDescription description, string device, WorkerModel models, CancellationToken cancellationToken)
    {
        // A plan in a bucket is fetched; otherwise it is in a folder that the machines share.
        var plan = S3Place.TryParse(description.Folder) is not { } remote ? description.Plan
            : remote.Download(description.Plan[(description.Plan.LastIndexOf('/') + 1)..], cancellationToken) ?? throw new InvalidInputException($"{description.Plan} does not exist. Give the command again.");
        InvalidInputException.Require(
            File.Exists(plan), $"{description.Plan} is not on this machine. Share the folder {description.Folder} with all workers, under the same path.");
        // Relative paths begin in the folder of the command, as on the machine that gave it. The folder of an earlier run must not stay.
        Directory.SetCurrentDirectory(Directory.Exists(description.WorkingFolder) ? description.WorkingFolder : FolderAtStart);
        var input = new BatchInput();
        var command = new Command("batch");
        input.AddTo(command);
        var parse = command.Parse([.. description.Arguments, $"--device={device}", $"--output={description.Folder}", plan], CommandLine.Parsing);
        InvalidInputException.Require(parse.Errors.Count == 0, $"This version of the program does not know an option of the run: {string.Join(' ', parse.Errors.Select(error => error.Message))} Use one version everywhere.");
        var request = Named(() => input.Read(parse, description.PlanFolder), command);
        InvalidInputException.Require(request.Plan.Hash == description.PlanHash, $"{description.Plan} is not the plan of the run. Give the command again.");
        RunFolder.RequireWritable(request);
        var filters = Named(() => input.Options.OpenFilters(parse, input.Model.Device(parse)), command);
        try
        {
            return Named(() => Open(request with { Filters = filters }, models.Get(input, parse, request.Demand)), command);
        }
        catch
        {
            foreach (var filter in filters)
                filter.Dispose();
            throw;
        }

        BatchShards Open(BatchRequest request, Diffusion.Pipelines.StableDiffusionModel model)
        {
            var run = new BatchRun(model, request);
            run.Prepare(cancellationToken);
            // A worker that does not have them must not list their items as failed.
            GivenImages.RequireExist(request);
            return new BatchShards(request, run);
        }
    }

    /// <inheritdoc/>
    public override Counts Survey(int shard) => Of(ShardSurvey.Of(request, shard));

    /// <inheritdoc/>
    public override Counts? Make(int shard, IProgress<Counts> progress, Func<bool> mayCommit, CancellationToken cancellationToken)
    {
        try
        {
            // What this machine knows of the shard may be old.
            request.Place.Fetch(new ShardPaths(request.Folder, shard), cancellationToken);
            return run.MakeShard(shard, new Since(Survey(shard), Of(run.Progress), progress), cancellationToken, mayCommit) ? Survey(shard) : null;
        }
        catch (FilterStartException e)
        {
            throw new RunRefusedException(e.Message, e);
        }
        catch (RepeatedFailureException e)
        {
            throw new ShardsDeletedException(e.Message, e.Reopened.ToDictionary(stats => stats.Shard, stats => new Counts(stats.Items, stats.Failed, stats.Made, stats.Kept)), e);
        }
    }

    /// <inheritdoc/>
    public override void Finish()
    {
        // Afterwards, this machine no longer has the statistics that the data set lacks.
        var known = request.OwnShards.Where(shard => new ShardPaths(request.Folder, shard).IsCommitted).ToDictionary(shard => shard, Survey);
        if (run.Finish(out var missing))
            return;
        var problem = new ShardsMissingException(missing);
        // A shared folder may show new files late, but a bucket does not: there they were deleted, and must be made again.
        if (request.Place is FolderPlace)
            throw problem;
        throw new ShardsDeletedException(
            $"{problem.Message} Statistics were deleted from {request.Place.Name} during the run, so these shards are made again.", missing.ToDictionary(shard => shard, shard => known.GetValueOrDefault(shard, new Counts(request.ItemsOf(shard).Count(), 0, 0, 0))), problem);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var filter in request.Filters)
            filter.Dispose();
    }

    private static Counts Of(BatchProgress progress) => new(progress.Items, progress.Failed, progress.Made, progress.Kept);

    // Errors name options, as those of the command do.
    private static T Named<T>(Func<T> read, Command command)
    {
        try
        {
            return read();
        }
        catch (InvalidInputException e) when (e.Setting is not null)
        {
            throw new InvalidInputException(e.Describe(setting => OptionNames.Of(setting, command)), e);
        }
    }

    // The progress of a run counts all shards of this process; that of a lease counts its shard.
    private sealed class Since(Counts earlier, Counts start, IProgress<Counts> progress) : IProgress<BatchProgress>
    {
        public void Report(BatchProgress value) => progress.Report(earlier + Of(value) - start);
    }
}
