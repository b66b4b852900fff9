namespace PromptToPrompt.Studio.Engine;

/// <summary>An entry of the cache.</summary>
/// <param name="Key">The key.</param>
/// <param name="Bytes">Memory it takes.</param>
/// <param name="LastUsed">When it was last used.</param>
internal sealed record HeldSession(string Key, long Bytes, DateTimeOffset LastUsed);

/// <summary>A cache of recomputable items with a memory limit; evicts the least recently used. Not thread-safe.</summary>
/// <typeparam name="T">Type of the items.</typeparam>
/// <param name="size">Size of an item in bytes.</param>
/// <param name="clock">The clock.</param>
internal sealed class SessionCache<T>(Func<T, long> size, TimeProvider clock) : IDisposable
    where T : class, IDisposable
{
    // The most recently used first; only a few items.
    private readonly List<(HeldSession Held, T Value)> things = [];
    private volatile IReadOnlyList<HeldSession> held = [];

    /// <summary>The entries, the most recently used first. Thread-safe.</summary>
    public IReadOnlyList<HeldSession> Held => held;

    /// <summary>Bytes in use. Thread-safe.</summary>
    public long Bytes => held.Sum(thing => thing.Bytes);

    /// <summary>Gets an item and marks it as used; null if it is not cached.</summary>
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

    /// <summary>Adds an item, takes ownership of it, and evicts others if necessary.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The item. It stays, whatever its size.</param>
    /// <param name="capacity">Limit of all items in bytes.</param>
    public void Add(string key, T value, long capacity)
    {
        Remove(other => other == key);
        things.Insert(0, (new HeldSession(key, size(value), clock.GetUtcNow()), value));
        while (things.Count > 1 && things.Sum(thing => thing.Held.Bytes) > capacity)
            RemoveAt(things.Count - 1);
        Publish();
    }

    /// <summary>Drops some items.</summary>
    public void Remove(Func<string, bool> predicate)
    {
        for (var index = things.Count - 1; index >= 0; index--)
        {
            if (predicate(things[index].Held.Key))
                RemoveAt(index);
        }

        Publish();
    }

    /// <summary>Drops all items.</summary>
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
