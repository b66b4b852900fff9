using CsCheck;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class ReplaceAlignmentTests
{
    public static TheoryData<int> Pairs => [.. Enumerable.Range(0, ReferenceFiles.Pairs.Length)];

    [Theory, MemberData(nameof(Pairs))]
    public void EqualsTheReference(int index)
    {
        var pair = ReferenceFiles.Pairs[index];
        var source = ReferencePrompts.Get(pair.GetProperty("source").GetString()!);
        var target = ReferencePrompts.Get(pair.GetProperty("target").GetString()!);
        if (pair.TryGetProperty("replace_error", out var error))
        {
            var exception = Assert.Throws<InvalidInputException>(() => ReplaceAlignment.Create(source, target));
            var counts = System.Text.RegularExpressions.Regex.Matches(error.GetProperty("message").GetString()!, @"\d+");
            Assert.All(counts, count => Assert.Contains($"has {count.Value}", exception.Message, StringComparison.Ordinal));
            Assert.Contains("Use auto", exception.Message, StringComparison.Ordinal);
            return;
        }

        var expected = new float[77 * 77];
        foreach (var entry in pair.GetProperty("replace_mapper_nonzero").EnumerateArray())
            expected[entry[0].GetInt32() * 77 + entry[1].GetInt32()] = entry[2].GetSingle();
        var alignment = ReplaceAlignment.Create(source, target);
        Assert.Equal(expected, alignment.Mapper);
        Assert.All(alignment.Counterpart, a => Assert.Equal(1, a));
        Assert.Null(alignment.Gather);
    }

    [Fact]
    public void APromptAndItselfAreMatchedOneToOne() => ToyPrompt.Any.Sample(prompt =>
        Assert.Equal(NaiveAlignment.Create(prompt, prompt).Mapper, ReplaceAlignment.Create(prompt, prompt).Mapper));

    [Fact]
    public void ASwappedWordHandsOnAllOfItsAttention()
    {
        var mapper = ReplaceAlignment.Create(ToyPrompt.Of("a hip|po"), ToyPrompt.Of("a rhi|no|ceros")).Mapper;
        for (var s = 2; s < 4; s++)
            Assert.Equal(1, mapper.AsSpan(s * 40, 40).ToArray().Sum(), 1e-6);
    }

    [Fact]
    public void PromptsOfEqualSpacingMayStillDifferInWords()
    {
        var exception = Assert.Throws<InvalidInputException>(() => ReplaceAlignment.Create(ToyPrompt.Of(""), ToyPrompt.Of("dog")));
        Assert.Contains("has 0", exception.Message, StringComparison.Ordinal);
    }
}
