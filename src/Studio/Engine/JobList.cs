namespace PromptToPrompt.Studio.Engine;

/// <summary>All unfinished jobs and the most recent finished ones.</summary>
/// <param name="remembered">How many finished jobs to keep.</param>
internal sealed class JobList(int remembered)
{
    private readonly Lock changing = new();
    private readonly Dictionary<string, Job> jobs = [];
    private readonly Queue<Job> over = [];

    /// <summary>The unfinished jobs.</summary>
    public IReadOnlyList<Job> Open
    {
        get
        {
            Job[] all;
            lock (changing)
                all = [.. jobs.Values];
            // Outside the lock: jobs call this while they hold their own lock.
            return [.. all.Where(job => !job.Progress.IsOver)];
        }
    }

    /// <summary>A job, or null.</summary>
    public Job? Find(string id)
    {
        lock (changing)
            return jobs.GetValueOrDefault(id);
    }

    /// <summary>Adds a job.</summary>
    public void Add(Job job)
    {
        lock (changing)
            jobs.Add(job.Id, job);
    }

    /// <summary>Called when a job ends.</summary>
    public void End(Job job)
    {
        lock (changing)
        {
            over.Enqueue(job);
            while (over.Count > remembered)
            {
                var oldest = over.Dequeue();
                jobs.Remove(oldest.Id);
                oldest.Dispose();
            }
        }
    }
}
