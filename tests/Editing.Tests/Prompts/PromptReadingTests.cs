using PromptToPrompt.Diffusion.Tokenization;
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

    [Fact]
    public void EmphasisReachesTheWindowItsWordIsIn()
    {
        Assert.Equal(2, PromptReading.Windows(tokenizer, ["a", "a red cat in (the snow:0.5)"]));
        var prompt = PromptReading.Read(tokenizer, "a red cat in (the snow:0.5)", 2);
        Assert.Equal([7, 8], Enumerable.Range(0, 12).Where(k => prompt.Emphasis![k] == 0.5f));
    }
}
