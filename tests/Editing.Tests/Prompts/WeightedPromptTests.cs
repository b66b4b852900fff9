using CsCheck;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Tests.Prompts;

public sealed class WeightedPromptTests
{
    // Weights are written as index:word=weight.
    [Theory]
    [InlineData("a cat in snow", "a cat in snow", "")]
    [InlineData("a cat in (snow:1.5)", "a cat in snow", "3:snow=1.5")]
    [InlineData("a (heavy snow:-2) night", "a heavy snow night", "1:heavy=-2 2:snow=-2")]
    [InlineData("a (cat:2), a dog", "a cat, a dog", "1:cat=2")]
    [InlineData("a (cat,:2) a dog", "a cat, a dog", "1:cat,=2")]
    [InlineData("(cat:2)", "cat", "0:cat=2")]
    [InlineData("un(believ:3)able cat", "unbelievable cat", "0:believ=3")]
    [InlineData("a ((red:2) hat:3)", "a red hat", "1:red=6 2:hat=3")]
    [InlineData("(sun:2)(flower:3)", "sunflower", "0:sunflower=2")]
    [InlineData("a (red) hat", "a (red) hat", "")]
    [InlineData("a (red hat", "a (red hat", "")]
    [InlineData("a red) hat", "a red) hat", "")]
    [InlineData("((red) hat:2)", "(red) hat", "0:(red)=2 1:hat=2")]
    [InlineData("a (red:very) hat", "a (red:very) hat", "")]
    [InlineData("a (red:NaN) hat", "a (red:NaN) hat", "")]
    [InlineData("a (red:1e1) hat", "a red hat", "1:red=10")]
    [InlineData(@"a \(red:2\) hat", "a (red:2) hat", "")]
    [InlineData(@"a (\(red\):2) hat", "a (red) hat", "1:(red)=2")]
    [InlineData(@"back\slash\", @"back\slash\", "")]
    [InlineData("a (ratio 16:9:2) sign", "a ratio 16:9 sign", "1:ratio=2 2:16:9=2")]
    [InlineData("two  (spaces :2)  here", "two  spaces   here", "1:spaces=2")]
    [InlineData("", "", "")]
    public void ReadsWeights(string prompt, string text, string weights)
    {
        var parsed = WeightedPrompt.Parse(prompt);
        Assert.Equal(text, parsed.Text);
        Assert.Equal(weights, string.Join(' ', parsed.Weights.Select(w => FormattableString.Invariant($"{w.Index}:{w.Word}={w.Weight}"))));
    }

    [Fact]
    public void EveryTextCanBeRead() => Gen.String[Gen.Char["()\\:1.5 a,"], 0, 30].Sample(prompt =>
    {
        var parsed = WeightedPrompt.Parse(prompt);
        var words = parsed.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(parsed.Weights, weight => Assert.Contains(weight.Word, words[weight.Index!.Value], StringComparison.Ordinal));
    });
}
