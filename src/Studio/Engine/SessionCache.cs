namespace PromptToPrompt.Studio.Engine;

/// <summary>What is kept under a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Bytes">Memory it takes.</param>
/// <param name="LastUsed">When it was asked for last.</param>
internal sealed record HeldSession(string Key, long Bytes, DateTimeOffset LastUsed);

/// <summary>Things that take memory and can be made again, by key; those that were not used for longest go first. For one thread.</summary>
/// <typeparam name="T">What is kept.</typeparam>
/// <param name="capacity">Bytes to keep; the latest thing stays whatever it takes.</param>
/// <param name="size">Bytes that a thing takes, once it is added.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class SessionCache<T>(long capacity, Func<T, long> size, TimeProvider clock) : IDisposable
    where T : class, IDisposable
{
    // The latest used first. There are a handful.
    private readonly List<(HeldSession Held, T Value)> things = [];
    private volatile IReadOnlyList<HeldSession> held = [];

    /// <summary>What is here, the latest used first. Safe to read from any thread.</summary>
    public IReadOnlyList<HeldSession> Held => held;

    /// <summary>Bytes in use. Safe to read from any thread.</summary>
    public long Bytes => held.Sum(thing => thing.Bytes);

    /// <summary>The thing of a key, which is the latest used from now on; null where it is not, or no more, here.</summary>
    public T? Find(string key)
    {
        var index = things.FindIndex(thing => thing.Held.Key == key);
        if (index < 0)
            return null;
        var (found, value) = things[index];
        things.RemoveAt(index);
        things.Insert(0, (found with { LastUsed = clock.GetUtcNow() }, value));
        Publish();
        return value;
    }

    /// <summary>Adds a thing, which belongs to the cache from now on, and lets go of others as far as it is needed.</summary>
    public void Add(string key, T value)
    {
        Remove(other => other == key);
        things.Insert(0, (new HeldSession(key, size(value), clock.GetUtcNow()), value));
        while (things.Count > 1 && things.Sum(thing => thing.Held.Bytes) > capacity)
            RemoveAt(things.Count - 1);
        Publish();
    }

    /// <summary>Lets go of some things.</summary>
    public void Remove(Func<string, bool> predicate)
    {
        for (var index = things.Count - 1; index >= 0; index--)
        {
            if (predicate(things[index].Held.Key))
                RemoveAt(index);
        }

        Publish();
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear() => Remove(_ => true);

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void RemoveAt(int index)
    {
        var (_, value) = things[index];
        things.RemoveAt(index);
        value.Dispose();
    }

    private void Publish() => held = [.. things.Select(thing => thing.Held)];
}
