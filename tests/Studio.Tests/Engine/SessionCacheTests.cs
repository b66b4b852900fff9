using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class SessionCacheTests
{
    private readonly TestClock clock = new();

    [Fact]
    public void WhatWasNotUsedForLongestGoesFirst()
    {
        using var cache = new SessionCache<Thing>(thing => thing.Bytes, clock);
        var (a, b, c) = (new Thing(10), new Thing(10), new Thing(10));
        cache.Add("a", a, 20);
        cache.Add("b", b, 20);
        Assert.Same(a, cache.Find("a"));
        cache.Add("c", c, 20);
        Assert.True(b.IsGone);
        Assert.Null(cache.Find("b"));
        Assert.Equal(20, cache.Bytes);
    }

    [Fact]
    public void TheLatestStaysWhateverItTakes()
    {
        using var cache = new SessionCache<Thing>(thing => thing.Bytes, clock);
        var (small, large) = (new Thing(5), new Thing(50));
        cache.Add("small", small, 20);
        cache.Add("large", large, 20);
        Assert.True(small.IsGone);
        Assert.Same(large, cache.Find("large"));
    }

    [Fact]
    public void ItTellsWhatIsHereAndLetsGoOfIt()
    {
        using var cache = new SessionCache<Thing>(thing => thing.Bytes, clock);
        var (a, b) = (new Thing(10), new Thing(5));
        cache.Add("a", a, 20);
        cache.Add("b", b, 20);
        clock.Later = TimeSpan.FromHours(1);
        cache.Find("a");
        Assert.Equal([("a", 10), ("b", 5)], cache.Held.Select(held => (held.Key, held.Bytes)));
        Assert.True(cache.Held[0].LastUsed - cache.Held[1].LastUsed >= TimeSpan.FromHours(1));
        cache.Remove(key => key == "a");
        Assert.True(a.IsGone);
        Assert.Equal(5, cache.Bytes);
    }

    private sealed class Thing(long bytes) : IDisposable
    {
        public long Bytes => bytes;

        public bool IsGone { get; private set; }

        public void Dispose() => IsGone = true;
    }
}
