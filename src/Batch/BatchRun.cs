using System.Globalization;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Batch;

/// <summary>
/// Makes the data set of a plan, shard by shard. Shards that are complete and items that are finished are not made again, so a
/// run that was stopped or killed continues where it was, and several processes may share a folder.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="request">The request.</param>
internal sealed class BatchRun(StableDiffusionModel model, BatchRequest request)
{
    private const int MaxTries = 3;

    // A kill of the process counts as a crash too: the system cannot tell them apart.
    private const int MaxCrashes = 10;

    // So many items fail in a row only if the fault is not theirs.
    private const int MaxFailuresInARow = 10;

    // Between two looks at the shards of other processes.
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    // The items that failed since one succeeded.
    private readonly List<PlanItem> failing = [];

    private readonly SampleMaker maker = new(model, request.Settings, request.Seed);

    /// <summary>Whether the images of finished items were compared already.</summary>
    public bool HasComparedImages { get; init; }

    /// <summary>The progress so far.</summary>
    public BatchProgress Progress { get; private set; }

    /// <summary>Items that failed in this process.</summary>
    public int NewlyFailed { get; private set; }

    /// <summary>Checks the words of a partition's items, which needs no weights.</summary>
    /// <param name="request">The request.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <returns>The items whose prompts have more tokens than the model reads.</returns>
    /// <exception cref="InvalidInputException">A word or number does not fit.</exception>
    public static IReadOnlyList<PlanItem> Check(BatchRequest request, ClipTokenizer tokenizer)
    {
        request.Validate();
        var truncated = new List<PlanItem>();
        foreach (var item in request.OwnShards.SelectMany(request.ItemsOf))
        {
            try
            {
                if (!SampleRequest.Draw(item, request.Settings, request.Seed, number: 0, tokenizer).Check(tokenizer))
                    truncated.Add(item);
            }
            catch (InvalidInputException e)
            {
                throw request.Plan.ErrorOf(item, e);
            }
        }

        return truncated;
    }

    /// <summary>Checks that the settings fit a model: a wrong one is an error before the first item, not a failure of each.</summary>
    /// <exception cref="InvalidInputException">One does not.</exception>
    public static void RequireFits(BatchRequest request, ModelConfig model)
    {
        foreach (var item in request.OwnShards.SelectMany(request.ItemsOf))
        {
            try
            {
                // The size has no range, and of a range of layers the largest number fits least.
                var sampling = item.Settings.Over(request.Settings).At(1).ToSettings().Sampling;
                if (sampling.Size is { } size)
                    model.RequireFits(size);
                model.RequireFits(sampling.ClipSkip);
            }
            catch (InvalidInputException e)
            {
                throw request.Plan.ErrorOf(item, e);
            }
        }
    }

    /// <summary>Checks that the settings fit the model and that the folder is this run's, and creates it.</summary>
    /// <exception cref="InvalidInputException">The folder has the data of another run, or a setting does not fit the model.</exception>
    public void Prepare(CancellationToken cancellationToken = default)
    {
        RequireFits(request, model.Shape);
        request.Place.Fetch(cancellationToken);
        Claim(cancellationToken);
        Tidy(cancellationToken);
    }

    /// <summary>Runs until all shards of the partition are complete. Waits for those that other processes are working on, and takes over those that they leave.</summary>
    /// <param name="progress">Receives the progress after every item.</param>
    /// <param name="cancellationToken">Gives up the current item; finished ones are kept.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run or of other images, or a setting does not fit the model.</exception>
    /// <exception cref="RepeatedFailureException">Many items failed in a row.</exception>
    /// <exception cref="FilterStartException">A filter cannot be asked at all.</exception>
    /// <exception cref="IOException">The data set cannot be reached, or a shard of this partition is missing at the end.</exception>
    public BatchProgress Execute(IProgress<BatchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        Prepare(cancellationToken);
        GivenImages.RequireExist(request);
        if (!HasComparedImages)
            GivenImages.RequireSame(request);
        Progress = Survey();
        progress?.Report(Progress);
        // All small files are up to date: for complete shards, the place is not asked again.
        List<int> elsewhere = [.. request.OwnShards.Where(number => !IsDone(new(request.Folder, number)) && !MakeShard(number, progress, cancellationToken))];
        while (elsewhere.Count > 0)
        {
            Progress = Survey() with { Elsewhere = elsewhere.Count };
            progress?.Report(Progress);
            cancellationToken.WaitHandle.WaitOne(Wait);
            cancellationToken.ThrowIfCancellationRequested();
            Progress = Progress with { Elsewhere = 0 };
            elsewhere.RemoveAll(number => MakeShard(number, progress, cancellationToken));
        }

        // Of a partition, the last process completes the whole.
        if (!Finish(out var missing, cancellationToken) && missing.Intersect(request.OwnShards).ToList() is [var first, ..] own)
        {
            throw new IOException(
                $"{request.Place.Name} is not complete: shards without statistics that this run has made or found complete: {own.Count}, the first with number {first}. They were deleted meanwhile, or the storage lost them. Run the same command again.");
        }

        return Progress = Survey();
    }

    /// <summary>Makes the missing items of a shard and completes it.</summary>
    /// <param name="number">Number of the shard.</param>
    /// <param name="progress">Receives the progress after every item.</param>
    /// <param name="cancellationToken">Gives up the current item; finished ones are kept.</param>
    /// <param name="mayCommit">Is asked before the shard's files appear in the data set; null if no other process makes the shard.</param>
    /// <returns>False if another process is working on it.</returns>
    public bool MakeShard(int number, IProgress<BatchProgress>? progress = null, CancellationToken cancellationToken = default, Func<bool>? mayCommit = null)
    {
        var shard = new ShardPaths(request.Folder, number);
        // Also of a complete shard: its statistics may have been deleted elsewhere, so that it is made again.
        request.Place.Fetch(shard, cancellationToken);
        if (IsDone(shard))
            return true;
        using var held = ShardLock.TryTake(shard.Lock);
        if (held is null)
            return shard.IsCommitted;
        request.Place.Fetch(shard, cancellationToken);
        Claim(cancellationToken);
        // Another process may have completed it since.
        if (!shard.IsCommitted)
        {
            Directory.CreateDirectory(shard.Unfinished);
            GivenImages.RequireSame(request, number);
            PlanItem[] items = [.. request.ItemsOf(shard.Number)];
            // Those that may have ended a process come last, so that the others are finished before they can end the next.
            foreach (var item in items.Where(item => !File.Exists(shard.OfItem(item.Index))).OrderBy(item => File.Exists(shard.OfStart(item.Index))))
            {
                Progress = Progress.With(MakeItem(shard, item, cancellationToken));
                progress?.Report(Progress);
            }

            request.Place.Fetch(shard, cancellationToken);
            if (!shard.IsCommitted)
                ShardLayout.RequireUnfinished(shard, request.Place);
            Claim(cancellationToken);
            if (!shard.IsCommitted && !request.Layout.Commit(shard, [.. items.Select(item => shard.OfItem(item.Index))], mayCommit, request.Place, cancellationToken))
                return false;
        }

        Remove(shard);
        Tidy(cancellationToken);
        return true;
    }

    // Deletes finished items of shards that another machine completed meanwhile.
    private void Tidy(CancellationToken cancellationToken)
    {
        if (request.Place is FolderPlace || !Directory.Exists(ShardPaths.AllUnfinished(request.Folder)))
            return;
        try
        {
            DeleteCompleted(cancellationToken);
        }
        catch (IOException)
        {
            // They stay until the next shard; a process that completes the data set deletes the same files.
        }
    }

    private void DeleteCompleted(CancellationToken cancellationToken)
    {
        foreach (var name in Directory.GetDirectories(ShardPaths.AllUnfinished(request.Folder)).Select(path => Path.GetFileName(path)))
        {
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                continue;
            var shard = new ShardPaths(request.Folder, number);
            request.Place.Fetch(shard, cancellationToken);
            if (!shard.IsCommitted)
                continue;
            using var held = ShardLock.TryTake(shard.Lock);
            if (held is not null)
                Remove(shard);
        }
    }

    private static void Remove(ShardPaths shard)
    {
        try
        {
            if (Directory.Exists(shard.Unfinished))
                Directory.Delete(shard.Unfinished, recursive: true);
            File.Delete(shard.Lock);
        }
        catch (IOException)
        {
            // The shard is complete, and a process that completes the data set deletes the same files.
        }
    }

    private static bool IsDone(ShardPaths shard) => shard.IsCommitted && !Directory.Exists(shard.Unfinished);

    // Also before each shard: if the folder is deleted during a run, the new one must not be left without a manifest.
    private void Claim(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(request.Folder);
        RunManifest.Claim(request.Folder, request.Manifest(model), request.Place, cancellationToken);
    }

    // The progress according to the files.
    private BatchProgress Survey() =>
        request.OwnShards.Aggregate(new BatchProgress(0, request.OwnShards.Sum(number => request.ItemsOf(number).Count())), (sum, number) => sum + ShardSurvey.Of(request, number));

    private ItemSummary MakeItem(ShardPaths shard, PlanItem item, CancellationToken cancellationToken)
    {
        // A crash of native code ends the process and leaves the marker, as a kill does. Without it, the item would end every process that follows.
        var marker = shard.OfStart(item.Index);
        var crashes = File.Exists(marker) ? File.ReadAllText(marker).Length : 0;
        if (crashes >= MaxCrashes)
            return Write(Failed(item, $"The process ended in each of {MaxCrashes} tries."), []);
        File.AppendAllText(marker, "!");
        try
        {
            var (summary, pairs) = Try(item, cancellationToken);
            RequireSuccess(item, summary.Error, cancellationToken);
            return Write(summary, pairs);
        }
        finally
        {
            File.Delete(marker);
        }

        ItemSummary Write(ItemSummary summary, IReadOnlyList<StoredPair> pairs)
        {
            ItemFile.Write(shard.OfItem(item.Index), summary, pairs);
            NewlyFailed += summary.Error is null ? 0 : 1;
            return summary;
        }
    }

    // Stops the run if many items failed in a row, and forgets their failures, so that the next process tries them again.
    private void RequireSuccess(PlanItem item, string? error, CancellationToken cancellationToken)
    {
        if (error is null)
        {
            failing.Clear();
            return;
        }

        failing.Add(item);
        if (failing.Count < MaxFailuresInARow)
            return;
        var (reopened, listed) = (new List<ShardStats>(), new List<string>());
        foreach (var (failed, shard) in failing.Select(failed => (failed, new ShardPaths(request.Folder, failed.Index / request.ShardSize))))
        {
            if (shard.IsCommitted)
            {
                try
                {
                    var stats = ShardStats.Read(shard.Stats);
                    request.Place.Delete(Path.GetFileName(shard.Stats), cancellationToken);
                    reopened.Add(stats);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // The cause of the failures is the error to report.
                    listed.Add(request.Place.PathOf(Path.GetFileName(shard.Stats)));
                }
            }

            if (Directory.Exists(shard.Unfinished))
                File.Delete(shard.OfItem(failed.Index));
        }

        failing.Clear();
        var state = listed.Count == 0 ? "They are not listed as failed." : $"Some are listed as failed, because files could not be deleted; delete {string.Join(", ", listed.Distinct())}.";
        throw new RepeatedFailureException(
            $"{MaxFailuresInARow} items in a row failed, so the run stopped. {state} Correct the cause, and run the same command again to resume. The last error, in line {item.Line} of {request.Plan.Path}: {error}", reopened);
    }

    private (ItemSummary Summary, IReadOnlyList<StoredPair> Pairs) Try(PlanItem item, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                var made = 0;
                var given = item.ImagePath is { } path ? ItemImage.Load(path) : null;
                var kept = new List<Pair>();
                foreach (var sample in maker.Make(item, given?.Image, request.SamplesOf(item), cancellationToken))
                {
                    made += sample.Edits.Count;
                    kept.AddRange(sample.Edits.Select((_, target) => new Pair(item, sample, target)).Where(pair => request.Filters.All(filter => filter.Keeps(pair, cancellationToken))));
                }

                if (request.Best is { } best)
                    kept = best.Choose(kept);
                return (new ItemSummary(item.Index, item.Line, item.Id, made, kept.Count, Image: given?.Hash), [.. kept.Select(Stored)]);
            }
            catch (Exception e) when (e is not (OperationCanceledException or FilterStartException))
            {
                // A filter may have been stopped with the run.
                cancellationToken.ThrowIfCancellationRequested();
                // Another try of an invalid word or image fails again. Otherwise it may succeed: memory or a filter may have been short of something.
                if (e is InvalidInputException || tries == MaxTries)
                    return (Failed(item, Describe(e)), []);
            }
        }
    }

    private static ItemSummary Failed(PlanItem item, string error) => new(item.Index, item.Line, item.Id, Made: 0, Kept: 0, error);

    private StoredPair Stored(Pair pair) =>
        new(PairRecord.Of(pair, request.Layout.Format, model.Fingerprint, BatchRequest.DtypeOf(model), model.TilesImages), request.Layout.Format.Encode(pair.Source), request.Layout.Format.Encode(pair.Edited));

    private static string Describe(Exception problem) => problem switch
    {
        InvalidInputException input => input.Describe(BatchSettings.KeyOf),
        IOException => problem.Message,
        // libtorch puts a stack trace behind its first line.
        _ => $"{problem.GetType().Name}: {problem.Message.Split('\n')[0]}",
    };

    /// <summary>Completes the data set as a whole, if all shards of all partitions are complete.</summary>
    /// <param name="missing">Numbers of the shards without statistics.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>False if a shard is missing. Then nothing was done.</returns>
    public bool Finish(out IReadOnlyList<int> missing, CancellationToken cancellationToken = default)
    {
        request.Place.Fetch(cancellationToken);
        missing = [.. Enumerable.Range(0, request.Shards).Where(number => !new ShardPaths(request.Folder, number).IsCommitted)];
        if (missing.Count > 0)
            return false;
        request.Layout.Finish(request.Folder);
        try
        {
            Directory.Delete(ShardPaths.AllUnfinished(request.Folder), recursive: true);
        }
        catch (IOException)
        {
            // Another process does so at the same time.
        }

        return true;
    }
}
