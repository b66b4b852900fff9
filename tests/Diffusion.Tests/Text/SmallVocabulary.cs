using System.Text.Json;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

/// <summary>A vocabulary learned from a few captions, with the ids that CLIP's published algorithm gives on it.</summary>
internal sealed record SmallVocabulary(string[] Captions, int Merges, SmallVocabulary.Case[] Cases)
{
    public static readonly SmallVocabulary Fixture = JsonSerializer.Deserialize<SmallVocabulary>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "tokenizer", "small-vocabulary.json")),
        JsonSerializerOptions.Web)!;

    public static readonly ClipTokenizer Tokenizer = new(Fixture.Train());

    internal BpeVocabulary Train() => BpeTrainer.Train(Captions, Merges);

    internal sealed record Case(string Text, int[] Ids);
}
