using CsCheck;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class RefineAlignmentTests
{
    public static TheoryData<int> Pairs => [.. Enumerable.Range(0, ReferenceFiles.Pairs.Length)];

    public static TheoryData<int> Batches => [.. Enumerable.Range(0, ReferenceFiles.Batches.Length)];

    [Theory, MemberData(nameof(Pairs))]
    public void EqualsTheReference(int index)
    {
        var pair = ReferenceFiles.Pairs[index];
        AssertAligned(
            pair.GetProperty("source").GetString()!,
            pair.GetProperty("target").GetString()!,
            ReferenceFiles.Tensor<int>($"{index}.refine_mapper"),
            ReferenceFiles.Tensor<float>($"{index}.refine_alphas"));
    }

    [Theory, MemberData(nameof(Batches))]
    public void EqualsTheReferenceForSeveralTargets(int index)
    {
        var prompts = ReferenceFiles.Batches[index].GetProperty("prompts");
        for (var target = 1; target < prompts.GetArrayLength(); target++)
        {
            var row = ((target - 1) * 77)..(target * 77);
            AssertAligned(
                prompts[0].GetString()!,
                prompts[target].GetString()!,
                ReferenceFiles.Tensor<int>($"batch{index}.refine_mapper")[row],
                ReferenceFiles.Tensor<float>($"batch{index}.refine_alphas")[row]);
        }
    }

    [Fact]
    public void APromptAndItselfAreMatchedOneToOne() => ToyPrompt.Any.Sample(prompt =>
        Assert.Equal(NaiveAlignment.Create(prompt, prompt).Mapper, RefineAlignment.Create(prompt, prompt).Mapper));

    [Fact]
    public void EveryTargetTokenTakesOneSourceTokenOrIsNew() =>
        Gen.Select(ToyPrompt.Any, ToyPrompt.Any).Sample((source, target) =>
        {
            var alignment = RefineAlignment.Create(source, target);
            var n = alignment.Length;
            for (var t = 0; t < n; t++)
                Assert.Equal(alignment.Counterpart[t], Enumerable.Range(0, n).Sum(s => alignment.Mapper[s * n + t]));
        });

    private static void AssertAligned(string source, string target, int[] gather, float[] counterpart)
    {
        var alignment = RefineAlignment.Create(ReferencePrompts.Get(source), ReferencePrompts.Get(target));
        Assert.Equal(gather, alignment.Gather);
        Assert.Equal(counterpart, alignment.Counterpart);
        for (var t = 0; t < 77; t++)
            for (var s = 0; s < 77; s++)
                Assert.Equal(gather[t] == s ? 1 : 0, alignment.Mapper[s * 77 + t]);
    }
}
