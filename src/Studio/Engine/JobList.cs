namespace PromptToPrompt.Studio.Engine;

/// <summary>The jobs that are known: all that are not over, and the latest of those that are, for whoever asks late.</summary>
/// <param name="remembered">How many that are over stay known.</param>
internal sealed class JobList(int remembered)
{
    private readonly Lock changing = new();
    private readonly Dictionary<string, Job> jobs = [];
    private readonly Queue<Job> over = [];

    /// <summary>The jobs that are not over.</summary>
    public IReadOnlyList<Job> Open
    {
        get
        {
            Job[] all;
            lock (changing)
                all = [.. jobs.Values];
            // Not within the lock, as jobs come here while they hold their own.
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

    /// <summary>Is told that a job is over.</summary>
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
