using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Tests.Prompts;

public sealed class PromptReadingTests
{
    private readonly ClipTokenizer tokenizer = new(BpeTrainer.Train(["a red cat in the snow"], merges: 100), maxLength: 6);

    [Fact]
    public void EmphasisBelongsToTheTokensOfItsWord()
    {
        var prompt = PromptReading.Read(tokenizer, "a (red:1.5) cat");
        Assert.Equal("a red cat", prompt.Text);
        Assert.Equal([1, 1, 1.5f, 1, 1, 1], prompt.Emphasis);
        Assert.Null(PromptReading.Read(tokenizer, "a (red) cat").Emphasis);
    }

    [Theory]
    [InlineData("a red cat")]
    [InlineData("a (red:1.5) cat")]
    [InlineData("a (red:-0.25) (cat:2),")]
    [InlineData("a (red cat:1.5)")]
    [InlineData(@"a \(red:1.5\) cat")]
    [InlineData(@"(a:0.5) \(red:1.5\) cat")]
    [InlineData("a (red) cat")]
    public void WhatIsReadCanBeWrittenAgain(string written)
    {
        var read = PromptReading.Read(tokenizer, written, 3);
        var again = PromptReading.Read(tokenizer, PromptReading.Write(read), 3);
        Assert.Equal(read.Text, again.Text);
        Assert.Equal(read.Ids, again.Ids);
        Assert.Equal(read.Emphasis, again.Emphasis);
    }

    [Fact]
    public void EmphasisReachesTheWindowItsWordIsIn()
    {
        Assert.Equal(2, PromptReading.Chunks(tokenizer, ["a", "a red cat in (the snow:0.5)"]));
        var prompt = PromptReading.Read(tokenizer, "a red cat in (the snow:0.5)", 2);
        Assert.Equal([7, 8], Enumerable.Range(0, 12).Where(k => prompt.Emphasis![k] == 0.5f));
    }
}
