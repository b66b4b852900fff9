using System.Text.Json;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class ReferencePromptsTests
{
    [Fact]
    public void AreSplitAsTheTokenizerDoes()
    {
        var tokenizer = new ClipTokenizer(BpeVocabulary.Load(ReferenceFolder.Require("tokenizer")));
        foreach (var prompt in ReferenceFiles.Json("prompts.json").EnumerateObject())
        {
            var (expected, actual) = (tokenizer.Tokenize(prompt.Name), ReferencePrompts.Get(prompt.Name));
            Assert.Equal(JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));
        }
    }
}
