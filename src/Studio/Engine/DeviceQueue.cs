using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The queue is full.</summary>
/// <param name="message">What to do.</param>
public sealed class QueueFullException(string message) : Exception(message);

/// <summary>The jobs of one device: one runs on a thread of its own, the others wait in order.</summary>
internal sealed class DeviceQueue : IAsyncDisposable
{
    private readonly Lock changing = new();
    private readonly LinkedList<Job> waiting = [];
    private readonly Queue<Action> between = [];
    private readonly SemaphoreSlim arrivals = new(0);
    private readonly CancellationTokenSource closing = new();
    private readonly Func<Job, string?> run;
    private readonly Action<Exception> failed;
    private readonly int capacity;
    private readonly Task worker;
    private Job? running;

    /// <summary>Opens a queue.</summary>
    /// <param name="capacity">How many jobs may wait.</param>
    /// <param name="run">Does a job and returns the id of its version, or null if it makes none.</param>
    /// <param name="failed">Called with failures between jobs.</param>
    public DeviceQueue(int capacity, Func<Job, string?> run, Action<Exception> failed)
    {
        this.capacity = capacity;
        this.run = run;
        this.failed = failed;
        worker = Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Whether jobs are still accepted.</summary>
    public bool IsAlive => !worker.IsCompleted;

    /// <summary>Number of waiting jobs.</summary>
    public int Length
    {
        get
        {
            lock (changing)
                return waiting.Count;
        }
    }

    /// <summary>The waiting jobs in order.</summary>
    public IReadOnlyList<Job> Waiting
    {
        get
        {
            lock (changing)
                return [.. waiting.Where(job => !job.Progress.IsOver)];
        }
    }

    /// <summary>Moves a waiting job among those of its project. The jobs of other projects keep their places.</summary>
    /// <param name="job">The job.</param>
    /// <param name="place">Its new place among them, from 0; the last for a larger number.</param>
    /// <returns>Whether it still waited.</returns>
    public bool Move(Job job, int place)
    {
        lock (changing)
        {
            RemoveStopped();
            var own = waiting.Where(other => other.Project == job.Project).ToList();
            if (!own.Remove(job))
                return false;
            own.Insert(Math.Clamp(place, 0, own.Count), job);
            var ordered = new Queue<Job>(own);
            for (var node = waiting.First; node is not null; node = node.Next)
            {
                if (node.Value.Project == job.Project)
                    node.Value = ordered.Dequeue();
            }

            UpdatePlaces();
            return true;
        }
    }

    /// <summary>Throws if the queue is full.</summary>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="StudioClosedException">The queue is closed.</exception>
    public void RequireRoom()
    {
        lock (changing)
        {
            RequireOpen();
            RemoveStopped();
            if (waiting.Count >= capacity)
                throw new QueueFullException($"The queue is full ({waiting.Count} waiting). Try again later.");
        }
    }

    /// <summary>Adds a job at the end.</summary>
    /// <exception cref="StudioClosedException">The queue is closed.</exception>
    public void Add(Job job)
    {
        lock (changing)
        {
            RequireOpen();
            waiting.AddLast(job);
            UpdatePlaces();
            arrivals.Release();
        }
    }

    /// <summary>Runs a short action on the device's thread before the next job, unless the queue is closed first.</summary>
    public void RunBetweenJobs(Action action)
    {
        lock (changing)
        {
            if (closing.IsCancellationRequested)
                return;
            between.Enqueue(action);
            arrivals.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (changing)
        {
            closing.Cancel();
            foreach (var job in waiting.Append(running))
                job?.Interrupt();
        }

        await worker;
        closing.Dispose();
        arrivals.Dispose();
    }

    private void Work()
    {
        while (true)
        {
            try
            {
                arrivals.Wait(closing.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            while (NextAction() is { } action)
                RunSafely(action);
            if (Next() is { } job)
                Run(job);
            lock (changing)
                running = null;
        }
    }

    // At worst some memory is not freed. The next jobs run anyway.
    private void RunSafely(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            failed(e);
        }
    }

    private void RequireOpen()
    {
        if (closing.IsCancellationRequested)
            throw new StudioClosedException();
    }

    private Action? NextAction()
    {
        lock (changing)
            return between.TryDequeue(out var action) ? action : null;
    }

    private Job? Next()
    {
        lock (changing)
        {
            RemoveStopped();
            running = waiting.First?.Value;
            if (running is not null)
                waiting.RemoveFirst();
            UpdatePlaces();
            return running;
        }
    }

    private void Run(Job job)
    {
        job.Update(now => now with { State = JobState.Running, Ahead = 0 });
        try
        {
            job.Stopping.ThrowIfCancellationRequested();
            var version = run(job);
            job.Update(now => now with { State = JobState.Done, Version = version });
        }
        catch (Exception e) when (e is OperationCanceledException || (e is InvalidInputException && job.Stopping.IsCancellationRequested))
        {
            // Deleting its source also stops it.
            job.Update(now => now with { State = JobState.Cancelled });
        }
        catch (Exception e)
        {
            // A failed job must not affect the next.
            job.Update(now => now.Fail(e));
        }
    }

    // Jobs that were stopped while waiting.
    private void RemoveStopped()
    {
        for (var node = waiting.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Progress.IsOver)
                waiting.Remove(node);
            node = next;
        }
    }

    private void UpdatePlaces()
    {
        var ahead = running is null ? 0 : 1;
        foreach (var job in waiting)
        {
            var place = ahead++;
            job.Update(now => now with { Ahead = place });
        }
    }
}
