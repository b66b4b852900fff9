using PromptToPrompt.Batch.Settings;

namespace PromptToPrompt.Batch.Tests.Settings;

public sealed class SampleDrawTests
{
    [Fact]
    public void DrawsAreThoseOfEarlierVersions()
    {
        // Data sets are resumed and repeated by later versions of the program. In Python: int.from_bytes(hashlib.sha256(b"1\ncontent\n2\nseed").digest()[:8], "little") >> 11
        var draw = new SampleDraw(1, "content", 2);
        Assert.Equal((1576031877671155ul, 7601232618086071.0 / (1L << 53)), (draw.Seed, draw.Uniform("guidance")));
    }

    [Fact]
    public void EveryPartDecides()
    {
        SampleDraw[] draws = [new(0, "a", 0), new(1, "a", 0), new(0, "b", 0), new(0, "a", 1)];
        Assert.Equal(draws.Length, draws.Select(draw => draw.Seed).Distinct().Count());
        Assert.Equal(draws.Length, draws.Select(draw => draw.Uniform("self")).Distinct().Count());
        Assert.NotEqual(draws[0].Uniform("self"), draws[0].Uniform("guidance"));
    }

    [Fact]
    public void DrawsAreUniform()
    {
        const int Count = 4000, Bins = 10;
        var bins = Enumerable.Range(0, Count).Select(sample => (int)(new SampleDraw(0, "a", sample).Uniform("self") * Bins)).CountBy(bin => bin).ToDictionary();
        Assert.Equal(Enumerable.Range(0, Bins), bins.Keys.Order());
        // Five standard deviations of a binomial count.
        Assert.All(bins.Values, count => Assert.InRange(count, (Count / Bins) - 95, (Count / Bins) + 95));
    }

    [Fact]
    public void WholeNumbersIncludeBothEnds()
    {
        var range = NumberRange.Parse("2..4");
        Assert.Equal([2, 3, 4], Enumerable.Range(0, 200).Select(sample => range.WholeAt(new SampleDraw(0, "a", sample).Uniform("steps"))).Distinct().Order());
        Assert.Equal((2.0, 4.0, 4.0), (range.WholeAt(0), range.WholeAt(0.999), range.WholeAt(1)));
    }

    [Fact]
    public void SettingsAreDrawnFromTheirRanges()
    {
        var values = SettingValues.None.With("guidance", "7.5..15").With("weight", "snow=0..2,hill=3").With("steps", "20").With("blend", "a..b");
        var samples = Enumerable.Range(0, 50).Select(sample => values.Resolve(new SampleDraw(3, "a", sample)).ToSettings()).ToList();
        Assert.All(samples, settings =>
        {
            Assert.InRange(settings.Sampling.Guidance, 7.5, 15);
            Assert.InRange(settings.Edit.Weights[0].Weight, 0, 2);
            Assert.Equal((3f, 20), (settings.Edit.Weights[1].Weight, settings.Sampling.Steps));
        });
        Assert.Equal(50, samples.Select(settings => settings.Sampling.Guidance).Distinct().Count());
    }

    [Fact]
    public void AnItemsValuesGoBeforeTheRuns()
    {
        var both = SettingValues.None.With("self", "0.2").Over(SettingValues.None.With("self", "0.9").With("cross", "0.1"));
        Assert.Equal([new("cross", "0.1"), new("self", "0.2")], both.All);
    }
}
