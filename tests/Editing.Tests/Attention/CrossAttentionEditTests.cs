using CsCheck;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Editing.Tests.Attention;

/// <summary>The one formula against what the paper says of each edit, on random maps, alignments and timings.</summary>
public sealed class CrossAttentionEditTests
{
    private const int Pixels = 3, N = 6;

    private static readonly Gen<float[]> Map = Gen.Float[0.01f, 1].Array[Pixels * N].Select(ToRowStochastic);
    private static readonly Gen<float[]> Mapper = Gen.Float[0, 1].Array[N * N];
    private static readonly Gen<float[]> Binary = Gen.Int[0, 1].Select(bit => (float)bit).Array[N];
    private static readonly Gen<float[]> Weights = Gen.Float[-3, 3].Array[N];
    private static readonly Gen<(float[] Source, float[] Own)> Maps = Gen.Select(Map, Map);

    private static float[] Ones { get; } = [.. Enumerable.Repeat(1f, N)];

    private static float[] Identity { get; } = [.. Enumerable.Range(0, N * N).Select(k => k / N == k % N ? 1f : 0f)];

    [Fact]
    public void ReplaceTakesTheMappedMapInsideTheWindow() => Gen.Select(Maps, Mapper, Binary).Sample((maps, mapper, timing) =>
        AssertEdited(maps, CrossAttentionEdit.Create(mapper, Ones, Ones, timing), Mix(timing, Mapped(maps.Source, mapper), maps.Own)));

    [Fact]
    public void RefineKeepsTheEditsOwnMapOfNewTokens() =>
        Gen.Select(Maps, Mapper, Binary, Binary).Sample((maps, mapper, counterpart, timing) => AssertEdited(
            maps,
            CrossAttentionEdit.Create(mapper, counterpart, Ones, timing),
            Mix(timing, Mix(counterpart, Mapped(maps.Source, mapper), maps.Own), maps.Own)));

    [Fact]
    public void ReweightScalesTheSourceMap() => Gen.Select(Maps, Weights, Binary).Sample((maps, weights, timing) =>
        AssertEdited(maps, CrossAttentionEdit.Create(Identity, Ones, weights, timing), Mix(timing, Scaled(maps.Source, weights), maps.Own)));

    [Fact]
    public void ReweightsAfterAnEditScaleItsRawMap() =>
        Gen.Select(Maps, Mapper, Binary, Weights, Weights, Binary).Sample((maps, mapper, counterpart, first, second, timing) =>
        {
            var raw = Mix(counterpart, Mapped(maps.Source, mapper), maps.Own);
            AssertEdited(
                maps,
                CrossAttentionEdit.Create(mapper, counterpart, [.. first.Zip(second, (a, b) => a * b)], timing),
                Mix(timing, Scaled(Scaled(raw, first), second), maps.Own));
        });

    [Fact]
    public void OutsideEveryWindowNothingIsDone() => Gen.Select(Mapper, Binary, Weights).Sample((mapper, counterpart, weights) =>
        Assert.True(CrossAttentionEdit.Create(mapper, counterpart, weights, new float[N]).IsIdentity));

    [Fact]
    public void InsideEveryWindowNothingOfItsOwnIsLeftUnlessATokenIsNew()
    {
        var edit = CrossAttentionEdit.Create(Identity, Ones, Ones, Ones);
        Assert.True(edit.IgnoresOwnMap);
        Assert.False(edit.IsIdentity);
        Assert.Equal(Identity, edit.P);
        Assert.False(CrossAttentionEdit.Create(Identity, [1, 1, 0, 1, 1, 1], Ones, Ones).IgnoresOwnMap);
    }

    private static void AssertEdited((float[] Source, float[] Own) maps, CrossAttentionEdit edit, float[] expected)
    {
        var fromSource = Mapped(maps.Source, edit.P);
        var own = Scaled(maps.Own, edit.R);
        for (var k = 0; k < expected.Length; k++)
            Assert.Equal(expected[k], fromSource[k] + own[k], 1e-4);
    }

    private static float[] ToRowStochastic(float[] map) =>
        [.. map.Chunk(N).SelectMany(row => row.Select(value => value / row.Sum()))];

    private static float[] Mapped(float[] map, float[] mapper) =>
        [.. map.Chunk(N).SelectMany(row => Enumerable.Range(0, N).Select(t => row.Select((value, s) => value * mapper[s * N + t]).Sum()))];

    private static float[] Scaled(float[] map, float[] factors) => [.. map.Select((value, k) => value * factors[k % N])];

    private static float[] Mix(float[] share, float[] inside, float[] outside) =>
        [.. inside.Select((value, k) => share[k % N] * value + (1 - share[k % N]) * outside[k])];
}
