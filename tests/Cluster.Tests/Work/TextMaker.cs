using System.Globalization;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Work;

namespace PromptToPrompt.Cluster.Tests.Work;

/// <summary>Makes a line of text for each item. A shard is a file that a rename completes; the log has a line for each rename.</summary>
internal class TextMaker(RunDescription run, string log, TimeSpan pause = default) : ShardMaker
{
    private static readonly Lock Gate = new();

    public override Counts Survey(int shard) => default;

    public override Counts? Make(int shard, IProgress<Counts> progress, Func<bool> mayCommit, CancellationToken cancellationToken)
    {
        var complete = PathOf(run, shard);
        var counts = new Counts(run.ItemsOf(shard), 0, run.ItemsOf(shard), run.ItemsOf(shard));
        if (File.Exists(complete))
            return counts;
        var unfinished = $"{complete}.{Guid.NewGuid():N}";
        using (var file = new StreamWriter(unfinished))
        {
            for (var item = 0; item < run.ItemsOf(shard); item++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                BeforeItem((shard * run.ShardSize) + item);
                file.WriteLine((shard * run.ShardSize) + item);
                if (pause > TimeSpan.Zero)
                    cancellationToken.WaitHandle.WaitOne(pause);
                progress.Report(new Counts(item + 1));
            }
        }

        if (!mayCommit())
        {
            Note($"refused {shard}");
            return null;
        }

        File.Move(unfinished, complete, overwrite: true);
        Note($"complete {shard}");
        return counts;
    }

    public override void Finish() => Note("finish");

    /// <summary>The items of all complete shards.</summary>
    public static List<int> Items(RunDescription run) =>
        [.. Enumerable.Range(0, run.Shards).Select(shard => PathOf(run, shard)).Where(File.Exists).SelectMany(File.ReadLines).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    protected virtual void BeforeItem(int item)
    {
    }

    protected void Note(string line)
    {
        lock (Gate)
            File.AppendAllText(log, line + "\n");
    }

    private static string PathOf(RunDescription run, int shard) => Path.Combine(run.Folder, $"{shard:D6}.txt");
}
