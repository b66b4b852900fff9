using System.Text.Json;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Tests.Alignment;

namespace PromptToPrompt.Editing.Tests.Attention;

public sealed class EqualizerTests
{
    private static readonly JsonElement Golden = ReferenceFiles.Aligner.GetProperty("equalizers");

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Golden.GetArrayLength())];

    [Theory, MemberData(nameof(Cases))]
    public void EqualsTheReference(int index)
    {
        var json = Golden[index];
        var prompt = ReferencePrompts.Get(json.GetProperty("text").GetString()!);
        var words = json.GetProperty("words");
        JsonElement[] names = words.ValueKind == JsonValueKind.Array ? [.. words.EnumerateArray()] : [words];
        var weights = names.Zip(json.GetProperty("values").EnumerateArray(), (name, value) => name.ValueKind == JsonValueKind.Number
            ? new WordWeight(prompt.Words[name.GetInt32()].Text, value.GetSingle(), name.GetInt32())
            : new WordWeight(name.GetString()!, value.GetSingle()));
        Assert.Equal(ReferenceFiles.Tensor<float>(json.GetProperty("nulltext").GetString()!), Equalizer.Create(prompt, weights));
    }

    [Fact]
    public void WeightsOfATokenMultiply() => Assert.Equal(
        [1, 1, 3, 1, 1], Equalizer.Create(ToyPrompt.Of("a cat, dog"), [new("cat", 2), new("a Cat", 1.5f), new("a", 1 / 1.5f)])[..5]);

    [Fact]
    public void AWeightInThePromptHoldsForThatWordOnly()
    {
        var prompt = ToyPrompt.Of("red hat, red cat");
        Assert.Equal([1, 1, 1, 1, 2, 1, 1], Equalizer.Create(prompt, [new("red", 2, Index: 2)])[..7]);
        Assert.Equal([1, 1, 2, 1, 1, 1, 1], Equalizer.Create(prompt, [new("hat", 2, Index: 1)])[..7]);
        Assert.Equal([1, 1, 2, 2, 1, 1, 1], Equalizer.Create(prompt, [new("hat,", 2, Index: 1)])[..7]);
        Assert.All(Equalizer.Create(prompt, [new("truncated", 2, Index: 9)]), factor => Assert.Equal(1, factor));
    }
}
