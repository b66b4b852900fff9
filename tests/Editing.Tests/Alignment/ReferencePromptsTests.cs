using System.Text.Json;
using PromptToPrompt.Diffusion.Tokenization;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class ReferencePromptsTests
{
    [Fact]
    public void Are_split_as_the_tokenizer_does()
    {
        var vocabulary = VocabularyFolder();
        Assert.SkipUnless(vocabulary is not null, "CLIP's vocabulary is not here: set P2P_REFERENCE to the reference folder.");
        var tokenizer = new ClipTokenizer(BpeVocabulary.Load(vocabulary!));
        foreach (var prompt in ReferenceFiles.Json("prompts.json").EnumerateObject())
        {
            var (expected, actual) = (tokenizer.Tokenize(prompt.Name), ReferencePrompts.Get(prompt.Name));
            Assert.Equal(JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));
        }
    }

    private static string? VocabularyFolder()
    {
        var roots = new List<string>();
        if (Environment.GetEnvironmentVariable("P2P_REFERENCE") is { } reference)
            roots.Add(reference);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            roots.Add(Path.Combine(folder.FullName, "shared", "reference"));
        return roots.Select(root => Path.Combine(root, "tokenizer"))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "vocab.json")));
    }
}
