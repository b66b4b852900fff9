using System.Text.Json;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Tests.Alignment;

namespace PromptToPrompt.Editing.Tests.Attention;

public sealed class EditScheduleTests
{
    private static readonly JsonElement Controllers = ReferenceFiles.Json("controllers.json");

    public static TheoryData<string> Runs => [.. Controllers.EnumerateObject().Select(run => run.Name)];

    [Theory, MemberData(nameof(Runs))]
    public void EqualsTheControllerOfTheReferenceRun(string name)
    {
        var run = Controllers.GetProperty(name);
        string[] prompts = [.. run.GetProperty("prompts").EnumerateArray().Select(prompt => prompt.GetString()!)];
        var steps = run.GetProperty("num_steps").GetInt32();
        var request = Request(run);
        var edits = EditSchedule.CreateAll(
            ReferencePrompts.Get(prompts[0]), [.. prompts[1..].Select(target => (ReferencePrompts.Get(target), request))], steps);
        for (var row = 0; row < edits.Count; row++)
        {
            var timing = run.GetProperty("cross_replace_alpha")[row];
            for (var step = 0; step < timing.GetArrayLength(); step++)
                AssertCross(run, row, timing[step].GetString()!, edits[row].At(step));
            AssertSelf(run, edits[row]);
        }
    }

    [Fact]
    public void StepsBeyondTheRunStayAtTheLastOne()
    {
        var edit = Create(
            "a cat", "a dog", new EditRequest { CrossSteps = new(new StepWindow(0.5, 1)), SelfSteps = StepWindow.Always });
        Assert.True(edit.At(0).IsIdentity);
        Assert.Same(edit.At(10), edit.At(99));
        Assert.False(edit.At(99).IsIdentity);
        Assert.True(edit.InjectsSelfAttention(9, 8, 8));
        Assert.False(edit.InjectsSelfAttention(10, 8, 8));
    }

    [Fact]
    public void StepsWithoutADifferenceShareTheirMatrices()
    {
        var edit = Create("a cat", "a dog", new EditRequest());
        Assert.Same(edit.At(0), edit.At(7));
        Assert.NotSame(edit.At(7), edit.At(8));
        Assert.True(edit.At(8).IsIdentity);
    }

    [Fact]
    public void SelfAttentionIsInjectedUpToANumberOfPixels()
    {
        var edit = Create("a cat", "a dog", new EditRequest { SelfResolution = 16 });
        Assert.True(edit.InjectsSelfAttention(0, 16, 16));
        Assert.True(edit.InjectsSelfAttention(0, 8, 32));
        Assert.False(edit.InjectsSelfAttention(0, 16, 17));
        Assert.False(edit.InjectsSelfAttention(4, 16, 16));
    }

    [Fact]
    public void WeightsOfOneChangeNothing()
    {
        var weighted = Create("a cat", "a red dog", new EditRequest { Weights = [new WordWeight("dog", 1)] });
        var plain = Create("a cat", "a red dog", new EditRequest());
        Assert.Equal(plain.At(0).P, weighted.At(0).P);
        Assert.Equal(plain.At(0).R, weighted.At(0).R);
    }

    [Fact]
    public void AWordThatNoTargetHasIsAnErrorThatListsTheWords()
    {
        var weight = new EditRequest { Weights = [new WordWeight("tiger", 2)] };
        var window = new EditRequest { CrossSteps = CrossReplaceSteps.Parse(["tiger=0.2"]) };
        foreach (var request in new[] { weight, window })
        {
            var exception = Assert.Throws<InvalidInputException>(() => Create("a tiger", "a red dog", request));
            foreach (var word in new[] { "tiger", "red", "dog" })
                Assert.Contains($"\"{word}\"", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AWordOfOneTargetIsPassedOverInAnother()
    {
        var request = new EditRequest { Weights = [new WordWeight("hat", 3)] };
        var edits = EditSchedule.CreateAll(
            ToyPrompt.Of("a cat"), [(ToyPrompt.Of("a dog"), request), (ToyPrompt.Of("a cat hat"), request)], 10);
        Assert.Equal([1, 1, 1, 1], edits[0].Equalizer[..4]);
        Assert.Equal([1, 1, 1, 3], edits[1].Equalizer[..4]);
    }

    private static EditSchedule Create(string source, string target, EditRequest request) =>
        EditSchedule.Create(ToyPrompt.Of(source), ToyPrompt.Of(target), request, steps: 10);

    private static EditRequest Request(JsonElement run)
    {
        var kind = (run.TryGetProperty("prev", out var previous) ? previous : run.GetProperty("kind")).GetString();
        var weights = run.TryGetProperty("eq", out var equalizer)
            ? equalizer[0].EnumerateArray().Zip(equalizer[1].EnumerateArray())
                .Select(pair => new WordWeight(pair.First.GetString()!, pair.Second.GetSingle()))
            : [];
        return new EditRequest
        {
            // A re-weighting by itself edits a prompt into itself, where all kinds are the same.
            Alignment = kind switch { "refine" => AlignmentKind.Refine, "replace" => AlignmentKind.Replace, _ => AlignmentKind.Auto },
            Weights = [.. weights],
            CrossSteps = ReferenceSteps.Cross(run.GetProperty("cross")),
            SelfSteps = ReferenceSteps.Window(run.GetProperty("self")),
            SelfResolution = (int)Math.Sqrt(run.GetProperty("self_threshold").GetInt32()),
        };
    }

    private static void AssertCross(JsonElement run, int row, string timing, CrossAttentionEdit edit)
    {
        var mapper = new float[77 * 77];
        var counterpart = new float[77];
        Array.Fill(counterpart, 1);
        if (run.TryGetProperty("replace_mapper_nonzero", out var entries))
        {
            foreach (var entry in entries[row].EnumerateArray())
                mapper[entry[0].GetInt32() * 77 + entry[1].GetInt32()] = entry[2].GetSingle();
        }
        else if (run.TryGetProperty("refine_mapper", out var gathers))
        {
            for (var t = 0; t < 77; t++)
            {
                counterpart[t] = run.GetProperty("refine_alphas")[row][t].GetSingle();
                if (counterpart[t] == 1)
                    mapper[gathers[row][t].GetInt32() * 77 + t] = 1;
            }
        }
        else
        {
            for (var t = 0; t < 77; t++)
                mapper[t * 77 + t] = 1;
        }

        float[] equalizer = run.TryGetProperty("equalizer", out var factors)
            ? [.. factors.EnumerateArray().Select(factor => factor.GetSingle())]
            : [.. Enumerable.Repeat(1f, 77)];
        var expected = CrossAttentionEdit.Create(mapper, counterpart, equalizer, [.. timing.Select(digit => (float)(digit - '0'))]);
        Assert.Equal(expected.P, edit.P);
        Assert.Equal(expected.R, edit.R);
    }

    private static void AssertSelf(JsonElement run, EditSchedule edit)
    {
        var window = run.GetProperty("num_self_replace");
        var pixels = run.GetProperty("self_threshold").GetInt32();
        for (var step = 0; step <= run.GetProperty("num_steps").GetInt32(); step++)
        {
            var inside = step >= window[0].GetInt32() && step < window[1].GetInt32();
            Assert.Equal(inside, edit.InjectsSelfAttention(step, 1, pixels));
            Assert.False(edit.InjectsSelfAttention(step, 1, pixels + 1));
        }
    }
}
