using System.Collections.Concurrent;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Training;

/// <summary>A drawn image.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Scene">Its scene.</param>
/// <param name="Painting">Its pixels and regions.</param>
internal sealed record DrawnPicture(long Number, Scene Scene, Painting Painting);

/// <summary>
/// Draws images on several threads, ahead of their use up to a limit, and returns them in the order of the requests. An image depends only
/// on the seed and its number, so the number of threads does not change the sequence.
/// </summary>
/// <typeparam name="T">The items made from the images.</typeparam>
internal sealed class PictureFeed<T> : IDisposable
{
    private const int AheadPerThread = 8;
    private readonly int seed;
    private readonly Func<DrawnPicture, T> make;
    private readonly IEnumerator<(long Number, int Side)> requests;
    private readonly Queue<Task<T>> ordered = [];
    private readonly BlockingCollection<(long Number, int Side, TaskCompletionSource<T> Done)> waiting = [];
    private readonly List<Thread> workers;
    private volatile bool isDisposed;

    /// <summary>Starts to draw.</summary>
    /// <param name="seed">Seed of the images.</param>
    /// <param name="requests">Number and side of each image in turn; enumerated on the thread that calls <see cref="Next()"/>.</param>
    /// <param name="make">Makes an item of an image, on the drawing threads.</param>
    /// <param name="threads">Number of drawing threads.</param>
    public PictureFeed(int seed, IEnumerable<(long Number, int Side)> requests, Func<DrawnPicture, T> make, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        this.seed = seed;
        this.make = make;
        this.requests = requests.GetEnumerator();
        workers = [.. Enumerable.Range(0, threads).Select(_ => new Thread(Work) { IsBackground = true, Name = "drawing" })];
        workers.ForEach(worker => worker.Start());
        while (ordered.Count < threads * AheadPerThread && Request())
        {
        }
    }

    /// <summary>The next item.</summary>
    /// <exception cref="InvalidOperationException">There are no more requests.</exception>
    public T Next()
    {
        Request();
        return ordered.TryDequeue(out var next) ? next.GetAwaiter().GetResult() : throw new InvalidOperationException("All requested images have been drawn.");
    }

    /// <summary>The next items.</summary>
    public IReadOnlyList<T> Next(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <inheritdoc/>
    public void Dispose()
    {
        isDisposed = true;
        waiting.CompleteAdding();
        workers.ForEach(worker => worker.Join());
        waiting.Dispose();
        requests.Dispose();
    }

    private bool Request()
    {
        if (!requests.MoveNext())
            return false;
        var done = new TaskCompletionSource<T>();
        ordered.Enqueue(done.Task);
        waiting.Add((requests.Current.Number, requests.Current.Side, done));
        return true;
    }

    private void Work()
    {
        // A painter keeps its surfaces for one size and is for one thread.
        var sources = new Dictionary<int, Images>();
        try
        {
            foreach (var (number, side, done) in waiting.GetConsumingEnumerable())
            {
                if (isDisposed)
                    return;
                try
                {
                    if (!sources.TryGetValue(side, out var images))
                        sources.Add(side, images = new Images(seed, side));
                    var scene = images.Scene(number);
                    done.SetResult(make(new DrawnPicture(number, scene, images.Paint(scene))));
                }
                catch (Exception error)
                {
                    done.SetException(error);
                }
            }
        }
        finally
        {
            foreach (var images in sources.Values)
                images.Dispose();
        }
    }
}
