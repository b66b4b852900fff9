using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class EditPairsTests
{
    private static readonly IReadOnlyList<EditPair> Pairs = EditPairs.Make(700, 3);

    [Fact]
    public void KindsAreEvenlySpread() =>
        Assert.All(Pairs.CountBy(pair => pair.Kind), entry => Assert.Equal(100, entry.Value));

    [Fact]
    public void TheSameSeedGivesTheSamePairs()
    {
        var again = EditPairs.Make(700, 3);
        Assert.Equal(Pairs.Select(pair => (pair.Source, pair.Target)), again.Select(pair => (pair.Source, pair.Target)));
    }

    [Fact]
    public void ExactlyOneSlotDiffers() => Assert.All(Pairs, pair =>
    {
        var (s, t) = (pair.Source, pair.Target);
        Assert.Equal(s.LayoutSeed, t.LayoutSeed);
        Assert.Equal(s.Trait, t.Trait);
        Assert.Equal(s.Companion, t.Companion);
        bool[] changed = [s.Subject != t.Subject, s.Color != t.Color, s.Place != t.Place, s.Style != t.Style, s.Time != t.Time, s.Weather != t.Weather];
        var expected = new bool[6];
        if (pair.Kind != EditKind.Reweight)
            expected[(int)pair.Kind] = true;
        Assert.Equal(expected, changed);
        Assert.True(Scene.Allows(t.Subject, t.Trait));
    });

    [Fact]
    public void SwapsKeepTheNumberOfWords() => Assert.All(
        Pairs.Where(pair => pair.Kind is EditKind.SubjectSwap or EditKind.ColorSwap or EditKind.PlaceSwap),
        pair =>
        {
            Assert.Equal(pair.SourcePrompt.Split(' ').Length, pair.TargetPrompt.Split(' ').Length);
            Assert.Single(pair.SourceWords);
            Assert.Single(pair.TargetWords);
        });

    [Fact]
    public void AdditionsOnlyAdd() => Assert.All(
        Pairs.Where(pair => pair.Kind is EditKind.AddedStyle or EditKind.AddedTime or EditKind.AddedWeather),
        pair =>
        {
            Assert.Empty(pair.SourceWords);
            Assert.NotEmpty(pair.TargetWords);
        });

    [Fact]
    public void ReweightedWordsAreInThePrompt() => Assert.All(
        Pairs.Where(pair => pair.Kind == EditKind.Reweight),
        pair =>
        {
            Assert.Equal(pair.SourcePrompt, pair.TargetPrompt);
            Assert.Contains(pair.Word, pair.SourcePrompt.Split(' '));
        });
}
