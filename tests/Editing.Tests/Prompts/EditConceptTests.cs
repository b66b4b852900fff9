using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Tests.Prompts;

/// <summary>The notation of concepts.</summary>
public sealed class EditConceptTests
{
    [Fact]
    public void ANotationIsReadAndWritten()
    {
        Assert.Equal(new EditConcept("hat"), EditConcept.Parse("hat"));
        Assert.Equal(new EditConcept("tree", IsRemoved: true), EditConcept.Parse(" -tree"));
        Assert.Equal(new EditConcept("red hat") { Scale = 8 }, EditConcept.Parse("red hat=8"));
        Assert.Equal(new EditConcept("well-lit") { WarmUp = 0, CoolDown = 0.8 }, EditConcept.Parse("well-lit@0.8"));
        Assert.Equal(new EditConcept("red hat", IsRemoved: true) { Scale = 2.5, WarmUp = 0.1, CoolDown = 0.8 }, EditConcept.Parse("-red hat=2.5@0.1..0.8"));
        foreach (var text in new[] { "hat", "-tree", "red hat=8", "-red hat=2.5@0.1..0.8" })
            Assert.Equal(text, EditConcept.Parse(text).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("=5")]
    [InlineData("hat=")]
    [InlineData("hat=much")]
    [InlineData("hat=-2")]
    [InlineData("hat=101")]
    [InlineData("hat@")]
    [InlineData("hat@0.8..0.1")]
    [InlineData("hat@0.1..2")]
    public void AnotherNotationIsRefused(string text) => Assert.Throws<InvalidInputException>(() => EditConcept.Parse(text));
}
