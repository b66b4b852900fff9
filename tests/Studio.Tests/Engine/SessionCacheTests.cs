using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class SessionCacheTests
{
    [Fact]
    public void What_was_not_used_for_longest_goes_first()
    {
        using var cache = new SessionCache<Thing>(20, thing => thing.Bytes);
        var (a, b, c) = (new Thing(10), new Thing(10), new Thing(10));
        cache.Add("a", a);
        cache.Add("b", b);
        Assert.Same(a, cache.Find("a"));
        cache.Add("c", c);
        Assert.True(b.IsGone);
        Assert.Null(cache.Find("b"));
        Assert.Equal(20, cache.Bytes);
    }

    [Fact]
    public void The_latest_stays_whatever_it_takes()
    {
        using var cache = new SessionCache<Thing>(20, thing => thing.Bytes);
        var (small, large) = (new Thing(5), new Thing(50));
        cache.Add("small", small);
        cache.Add("large", large);
        Assert.True(small.IsGone);
        Assert.Same(large, cache.Find("large"));
    }

    private sealed class Thing(long bytes) : IDisposable
    {
        public long Bytes => bytes;

        public bool IsGone { get; private set; }

        public void Dispose() => IsGone = true;
    }
}
