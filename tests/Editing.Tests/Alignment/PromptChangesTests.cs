using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Tests.Alignment;

/// <summary>The phrases that a prompt adds to another and removes from it.</summary>
public sealed class PromptChangesTests
{
    [Theory]
    [InlineData("a cat in a meadow", "a cat in a meadow", "")]
    [InlineData("a cat in a meadow", "a dog in a meadow", "+dog -cat")]
    [InlineData("a cat in a meadow", "a cat with a hat in a meadow", "+hat")]
    [InlineData("a cat with a hat in a meadow", "a cat in a meadow", "-hat")]
    [InlineData("a cat in a meadow", "a cat in a meadow at night", "+night")]
    [InlineData("a cat, a tree", "a cat", "-tree")]
    [InlineData("a cat next to a tree in a meadow", "a cat in a meadow", "-tree")]
    [InlineData("a cat in a meadow", "a meadow", "-cat")]
    [InlineData("a red ball in a field", "a blue ball in a field", "+blue ball -red ball")]
    [InlineData("a cat in a meadow", "a big cat in a meadow", "+big cat")]
    [InlineData("a big cat in a meadow", "a cat in a meadow", "+cat -big cat")]
    [InlineData("a cat in a meadow", "a dog in a red hat and a scarf in a forest", "+dog -cat +red hat +scarf +forest -meadow")]
    [InlineData("a house in a field", "a house on a field", "")]
    [InlineData("", "a hat", "+hat")]
    [InlineData("the cat", "a cat", "")]
    public void TheyFollowFromTheAlignment(string source, string target, string changes)
    {
        var tokenizer = StableDiffusionModel.LoadTokenizer(EmbeddedModel.Folder());
        Assert.Equal(changes, string.Join(' ', PromptChanges.Of(tokenizer.Tokenize(source), tokenizer.Tokenize(target)).Select(change => (change.IsRemoved ? "-" : "+") + change.Text)));
    }
}
