using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Batch;

/// <summary>
/// Makes the data set of a plan, shard by shard. What remains to be done is the plan without the shards that are complete and the items of others that are finished, so a
/// run that was stopped or killed continues where it was, and several processes may share a folder.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="request">What is asked.</param>
internal sealed class BatchRun(StableDiffusionModel model, BatchRequest request)
{
    private const int MaxTries = 3;

    private readonly SampleMaker maker = new(model, request.Settings, request.Seed);

    /// <summary>The progress so far.</summary>
    public BatchProgress Progress { get; private set; }

    /// <summary>Checks the words of a partition's items, which needs no model.</summary>
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
                throw new InvalidInputException($"Line {item.Line} of the plan: {e.Message}", e);
            }
        }

        return truncated;
    }

    /// <summary>Runs until all shards of the partition are complete, apart from those that other processes are working on.</summary>
    /// <param name="progress">Receives the progress after every item.</param>
    /// <param name="cancellationToken">Gives up the current item; finished ones are kept.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run.</exception>
    public BatchProgress Execute(IProgress<BatchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(request.Folder);
        RunManifest.Claim(request.Folder, request.Manifest(model.Fingerprint, model.Dtype.ToString().ToLowerInvariant()));
        Progress = Survey();
        progress?.Report(Progress);
        var elsewhere = request.OwnShards.Count(number => !MakeShard(number, progress, cancellationToken));
        Finish();
        return Progress = Survey() with { Elsewhere = elsewhere };
    }

    /// <summary>Makes what is missing of a shard.</summary>
    /// <param name="number">Number of the shard.</param>
    /// <param name="progress">Receives the progress after every item.</param>
    /// <param name="cancellationToken">Gives up the current item; finished ones are kept.</param>
    /// <returns>False if another process is working on it.</returns>
    public bool MakeShard(int number, IProgress<BatchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var shard = new ShardPaths(request.Folder, number);
        if (shard.IsCommitted && !Directory.Exists(shard.Work))
            return true;
        using var held = ShardLock.TryTake(shard.Lock);
        if (held is null)
            return shard.IsCommitted;
        // Another process may have completed it since.
        if (!shard.IsCommitted)
        {
            Directory.CreateDirectory(shard.Work);
            PlanItem[] items = [.. request.ItemsOf(shard.Number)];
            foreach (var item in items.Where(item => !File.Exists(shard.OfItem(item.Index))))
            {
                Progress = Progress.With(MakeItem(shard, item, cancellationToken));
                progress?.Report(Progress);
            }

            request.Layout.Commit(shard, [.. items.Select(item => shard.OfItem(item.Index))]);
        }

        if (Directory.Exists(shard.Work))
            Directory.Delete(shard.Work, recursive: true);
        File.Delete(shard.Lock);
        return true;
    }

    // What is done, as the files say.
    private BatchProgress Survey()
    {
        var done = new BatchProgress(0, request.OwnShards.Sum(number => request.ItemsOf(number).Count()));
        foreach (var shard in request.OwnShards.Select(number => new ShardPaths(request.Folder, number)))
        {
            if (shard.IsCommitted)
            {
                done = done.With(ShardStats.Read(shard.Stats));
                continue;
            }

            try
            {
                done = request.ItemsOf(shard.Number).Select(item => shard.OfItem(item.Index)).Where(File.Exists).Aggregate(done, (sum, file) => sum.With(ItemFile.Summary(file)));
            }
            catch (IOException) when (shard.IsCommitted)
            {
                // Another process has just completed it.
                done = done.With(ShardStats.Read(shard.Stats));
            }
        }

        return done;
    }

    private ItemSummary MakeItem(ShardPaths shard, PlanItem item, CancellationToken cancellationToken)
    {
        // A crash of native code ends the process and leaves the marker. Without it, the item would end every process that follows.
        var marker = shard.OfStart(item.Index);
        var crashes = File.Exists(marker) ? File.ReadAllText(marker).Length : 0;
        if (crashes == MaxTries)
            return Write(Failed(item, $"The process ended in each of {MaxTries} tries."), []);
        File.AppendAllText(marker, "!");
        try
        {
            var (summary, pairs) = Try(item, cancellationToken);
            return Write(summary, pairs);
        }
        finally
        {
            File.Delete(marker);
        }

        ItemSummary Write(ItemSummary summary, IReadOnlyList<StoredPair> pairs)
        {
            ItemFile.Write(shard.OfItem(item.Index), summary, pairs);
            return summary;
        }
    }

    private (ItemSummary Summary, IReadOnlyList<StoredPair> Pairs) Try(PlanItem item, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                var made = 0;
                var kept = new List<Pair>();
                foreach (var sample in maker.Make(item, request.SamplesOf(item), cancellationToken))
                {
                    made += sample.Edits.Count;
                    kept.AddRange(sample.Edits.Select((_, target) => new Pair(item, sample, target)).Where(pair => request.Filters.All(filter => filter.Keeps(pair, cancellationToken))));
                }

                if (request.Best is { } best)
                    kept = best.Choose(kept);
                return (new ItemSummary(item.Index, item.Line, item.Id, made, kept.Count), [.. kept.Select(Stored)]);
            }
            catch (Exception e) when (e is not OperationCanceledException && tries == MaxTries)
            {
                return (Failed(item, Describe(e)), []);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // The next try may succeed: memory or a filter may have been short of something.
            }
        }
    }

    private static ItemSummary Failed(PlanItem item, string error) => new(item.Index, item.Line, item.Id, Made: 0, Kept: 0, error);

    private StoredPair Stored(Pair pair) =>
        new(PairRecord.Of(pair, request.Layout.Format, model.Fingerprint), request.Layout.Format.Encode(pair.Source), request.Layout.Format.Encode(pair.Edited));

    // libtorch puts a stack trace behind its first line.
    private static string Describe(Exception problem) => problem is InvalidInputException or IOException ? problem.Message : $"{problem.GetType().Name}: {problem.Message.Split('\n')[0]}";

    // The process that completes the last shard, of whatever partition, completes the data set.
    private void Finish()
    {
        if (!Enumerable.Range(0, request.Shards).All(number => new ShardPaths(request.Folder, number).IsCommitted))
            return;
        request.Layout.Finish(request.Folder);
        try
        {
            Directory.Delete(ShardPaths.AllWork(request.Folder), recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another process has done so.
        }
    }
}
