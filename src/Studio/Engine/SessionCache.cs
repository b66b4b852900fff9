namespace PromptToPrompt.Studio.Engine;

/// <summary>Things that take memory and can be made again, by key; those that were not used for longest go first. For one thread.</summary>
/// <typeparam name="T">What is kept.</typeparam>
/// <param name="capacity">Bytes to keep; the latest thing stays whatever it takes.</param>
/// <param name="size">Bytes that a thing takes.</param>
internal sealed class SessionCache<T>(long capacity, Func<T, long> size) : IDisposable
    where T : class, IDisposable
{
    private readonly Dictionary<string, LinkedListNode<(string Key, T Value)>> found = [];
    private readonly LinkedList<(string Key, T Value)> byUse = [];

    /// <summary>Bytes in use. Safe to read from any thread.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many things there are.</summary>
    public int Count => found.Count;

    /// <summary>The thing of a key, which is the latest used from now on; null where it is not, or no more, here.</summary>
    public T? Find(string key)
    {
        if (!found.TryGetValue(key, out var node))
            return null;
        byUse.Remove(node);
        byUse.AddFirst(node);
        return node.Value.Value;
    }

    /// <summary>Adds a thing, which belongs to the cache from now on, and lets go of others as far as it is needed.</summary>
    public void Add(string key, T value)
    {
        if (found.TryGetValue(key, out var earlier))
            Remove(earlier);
        found[key] = byUse.AddFirst((key, value));
        Bytes += size(value);
        while (Bytes > capacity && byUse.Count > 1)
            Remove(byUse.Last!);
    }

    /// <summary>Lets go of some things.</summary>
    public void Remove(Func<string, bool> isMeant)
    {
        foreach (var node in found.Values.Where(node => isMeant(node.Value.Key)).ToList())
            Remove(node);
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        while (byUse.Last is { } last)
            Remove(last);
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void Remove(LinkedListNode<(string Key, T Value)> node)
    {
        found.Remove(node.Value.Key);
        byUse.Remove(node);
        Bytes -= size(node.Value.Value);
        node.Value.Value.Dispose();
    }
}
