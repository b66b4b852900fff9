using CsCheck;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class AutoAlignmentTests
{
    // What each target word takes: "cat>dog" a source word, "+hat" nothing, "-bow" a source word that is dropped; equal words are left out.
    [Theory]
    [InlineData("a cat on a beach", "a dog on a beach", "cat>dog")]
    [InlineData("a cat on a beach", "a hip|po on a beach", "cat>hippo")]
    [InlineData("a castle next to a river", "a children's drawing of a castle next to a river", "+children's +drawing +of +a")]
    [InlineData("a cat", "a silver cat sculpture", "+silver +sculpture")]
    [InlineData("a cat with a bow", "a cat", "-with -a -bow")]
    [InlineData("a cat", "a dog with a red hat", "cat>dog +with +a +red +hat")]
    [InlineData("a car in a field", "a car in a forest at night", "field>forest +at +night")]
    [InlineData("a car in a forest at night", "a car in a field", "forest>field -at -night")]
    [InlineData("a cat", "a dog, oil painting, sharp", "cat>dog, +oil +painting, +sharp")]
    [InlineData("a red car", "a dark blue car", "red>dark red>blue")]
    [InlineData("a dark blue car", "a red car", "dark+blue>red")]
    [InlineData("a big red car", "a tiny blue car", "big>tiny red>blue")]
    [InlineData("one two three", "three two one", "one>three three>one")]
    [InlineData("big dog big cat", "big cat big dog", "dog>cat cat>dog")]
    [InlineData("a Cat, a dog", "a cat a dog", "")]
    [InlineData("cat", "dog", "cat>dog")]
    [InlineData("", "a dog", "+a +dog")]
    [InlineData("a dog", "", "-a -dog")]
    [InlineData("soup", "pea soup with croutons", "+pea +with +croutons")]
    public void MatchesWords(string source, string target, string expected)
    {
        var table = TokenAlignment.Create(AlignmentKind.Auto, ToyPrompt.Of(source), ToyPrompt.Of(target)).Describe();
        var actual = table.Rows
            .Where(row => row.Sources is not [var same] || Bare(same) != Bare(row.Target))
            .SelectMany(row => row.IsNew ? [$"+{row.Target}"] : new[] { $"{string.Join('+', row.Sources)}>{row.Target}" })
            .Concat(table.Dropped.Select(word => $"-{word}"));
        Assert.Equal(expected, string.Join(' ', actual));

        static string Bare(string word) => word.TrimEnd(',').ToLowerInvariant();
    }

    [Fact]
    public void EqualsReplaceWhereItShouldAndRepairsItsTail()
    {
        var (dog, hippo) = (ToyPrompt.Of("a dog on a beach"), ToyPrompt.Of("a hip|po on a beach"));
        Assert.Equal(
            ReplaceAlignment.Create(dog, ToyPrompt.Of("a cat on a beach")).Mapper,
            AutoAlignment.Create(dog, ToyPrompt.Of("a cat on a beach")).Mapper);

        Assert.Equal([(0, 0, 1), (1, 1, 1), (2, 2, .5f), (2, 3, .5f), (3, 4, 1), (4, 5, 1), (5, 6, 1), (6, 7, 1)], Links(dog, hippo)[..8]);
        Assert.Equal((8, 8, 1), Links(dog, hippo)[8]);
        Assert.Equal([(0, 0, 1), (1, 1, 1), (2, 2, 1), (3, 2, 1), (4, 3, 1), (5, 4, 1), (6, 5, 1), (7, 6, 1)], Links(hippo, dog)[..8]);
        Assert.Equal((8, 8, 1), Links(hippo, dog)[8]);
    }

    [Fact]
    public void PaddingOverSourceWordsHasNoCounterpart()
    {
        var alignment = AutoAlignment.Create(ToyPrompt.Of("a cat on a beach"), ToyPrompt.Of("a cat"));
        Assert.Equal([1, 1, 1, 1, 0, 0, 0, 1, 1], alignment.Counterpart[..9]);
    }

    [Fact]
    public void PunctuationTakesNothingOfTheWord()
    {
        Assert.Equal([(0, 0, 1), (1, 1, 1), (2, 3, 1), (4, 4, 1)], Links(ToyPrompt.Of("cat"), ToyPrompt.Of("cat,"))[..4]);
        Assert.Equal(
            [(0, 0, 1), (1, 1, .5f), (1, 2, .5f), (2, 3, 1), (3, 4, 1), (4, 5, 1)],
            Links(ToyPrompt.Of("cat, dog"), ToyPrompt.Of("hip|po, dog"))[..6]);
    }

    [Fact]
    public void APromptAndItselfAreMatchedOneToOne() => ToyPrompt.Any.Sample(prompt =>
        Assert.Equal(NaiveAlignment.Create(prompt, prompt).Mapper, AutoAlignment.Create(prompt, prompt).Mapper));

    [Fact]
    public void AttentionIsHandedOnWholeOrNotAtAll() => Gen.Select(ToyPrompt.Any, ToyPrompt.Any).Sample((source, target) =>
    {
        var alignment = AutoAlignment.Create(source, target);
        var n = alignment.Length;
        for (var k = 0; k < n; k++)
        {
            var given = alignment.Mapper.AsSpan(k * n, n).ToArray().Sum();
            Assert.True(given == 0 || Math.Abs(given - 1) < 1e-6, $"token {k} gives {given}");
            Assert.Equal(alignment.Counterpart[k] != 0, Enumerable.Range(0, n).Any(s => alignment.Mapper[s * n + k] != 0));
        }
    });

    private static (int Source, int Target, float Share)[] Links(TokenizedPrompt source, TokenizedPrompt target)
    {
        var alignment = AutoAlignment.Create(source, target);
        var n = alignment.Length;
        return [.. Enumerable.Range(0, n * n).Where(k => alignment.Mapper[k] != 0).Select(k => (k / n, k % n, alignment.Mapper[k]))];
    }
}
