using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class PictureFeedTests
{
    private const int Count = 40;

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeTheImages()
    {
        var one = Draw(threads: 1);
        var many = Draw(threads: 5);
        using var images = new Images(seed: 9, size: 24);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => (long)(i * 3)), one.Select(picture => picture.Number));
        foreach (var (a, b) in one.Zip(many))
        {
            Assert.Equal((a.Number, a.Scene), (b.Number, b.Scene));
            Assert.Equal(a.Painting.Rgb, b.Painting.Rgb);
        }

        Assert.Equal(images.Paint(images.Scene(one[1].Number)).Rgb, one[1].Painting.Rgb);
        Assert.Equal([24, 16], one.Take(2).Select(picture => picture.Painting.Size).Reverse());
    }

    [Fact]
    public void DrawsOnSeveralThreadsAtOnce()
    {
        using var both = new Barrier(2);
        using var feed = new PictureFeed<bool>(
            seed: 1, [(0, 16), (1, 16)], _ => both.SignalAndWait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken), threads: 2);
        Assert.Equal([true, true], feed.Next(2));
    }

    [Fact]
    public void DrawsAheadOnlyUpToALimit()
    {
        var asked = 0;
        using var feed = new PictureFeed<long>(seed: 1, Endless(), picture => picture.Number, threads: 2);
        Assert.Equal(0, feed.Next());
        Assert.InRange(asked, 1, 64);

        IEnumerable<(long Number, int Side)> Endless()
        {
            for (; ; asked++)
                yield return (asked, 16);
        }
    }

    [Fact]
    public void AnErrorReachesTheCaller()
    {
        using var feed = new PictureFeed<int>(seed: 1, [(0, 16), (1, 16)], picture => picture.Number == 1 ? throw new InvalidDataException("broken") : 7, threads: 2);
        Assert.Equal(7, feed.Next());
        Assert.Equal("broken", Assert.Throws<InvalidDataException>(() => feed.Next()).Message);
        Assert.Throws<InvalidOperationException>(() => feed.Next());
    }

    private static IReadOnlyList<DrawnPicture> Draw(int threads)
    {
        using var feed = new PictureFeed<DrawnPicture>(
            seed: 9, Enumerable.Range(0, Count).Select(i => ((long)i * 3, i % 2 == 0 ? 16 : 24)), picture => picture, threads);
        return feed.Next(Count);
    }
}
