using CsCheck;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Attention;

/// <summary>Components of self-attention maps of known structure, made by queries and keys that are given to a watched layer.</summary>
public sealed class SelfAttentionMapTests
{
    private const int Height = 4, Width = 6, Positions = Height * Width;

    // Far enough apart that the softmax leaves nothing for what does not match.
    private const float Sharpness = 60;

    private static readonly BatchRow Unconditional = new(0, Conditional: false), Source = new(0, Conditional: true), Edit = new(1, Conditional: true);

    [Fact]
    public void ComponentsSeparateBlocksThatLookAtThemselves() =>
        Gen.Int[2, 4].SelectMany(blocks => Gen.Int[0, blocks - 1].Array[Positions]).Where(blocks => blocks.Distinct().Count() > 1).Sample(
            blocks =>
            {
                using var map = Watched(blocks, blocks);
                var distinct = blocks.Distinct().ToArray();
                var components = map.Components(distinct.Length - 1);

                foreach (var component in components)
                    Assert.All(Enumerable.Range(0, Positions), p => Assert.Equal(component.Values[Array.IndexOf(blocks, blocks[p])], component.Values[p], 1e-3f));
                foreach (var (a, b) in distinct.SelectMany(a => distinct.Where(b => b < a).Select(b => (Array.IndexOf(blocks, a), Array.IndexOf(blocks, b)))))
                    Assert.Contains(components, component => Math.Abs(component.Values[a] - component.Values[b]) > 0.05);
                Assert.Equal(1, components.Sum(component => component.Share), 1e-4);
            },
            iter: 60);

    [Fact]
    public void ComponentsShowWhatIsLookedAtAndNotWhoLooks()
    {
        // Who looks at what goes by columns, what is seen together goes by rows.
        int[] looks = [.. Enumerable.Range(0, Positions).Select(p => p % Width < 2 ? 1 : 0)];
        int[] seen = [.. Enumerable.Range(0, Positions).Select(p => p / Width)];
        using var map = Watched(looks, seen);

        var first = map.Components(1)[0].Values;

        Assert.All(Enumerable.Range(0, Positions), p => Assert.Equal(first[p / Width * Width], first[p], 1e-4f));
        Assert.True(Math.Abs(first[0] - first[Width]) > 0.1);
    }

    [Fact]
    public void ComponentsAreOrderedAndTheLargestValueIsPositive()
    {
        var random = new Random(5);
        using var map = Watched(
            [.. Enumerable.Range(0, Positions).Select(_ => random.Next(3))], [.. Enumerable.Range(0, Positions).Select(_ => random.Next(3))]);
        var components = map.Components(100);
        Assert.Equal(Positions, components.Count);
        Assert.Equal(components.Select(c => c.Share).OrderDescending(), components.Select(c => c.Share));
        Assert.All(components, c => Assert.True(c.Values.MaxBy(Math.Abs) > 0));
        Assert.All(components, c => Assert.Equal(1, c.Values.Sum(v => v * v), 1e-4f));
    }

    [Fact]
    public void EvenAttentionStillGivesNumbers()
    {
        using var map = Watched(new int[Positions], new int[Positions]);
        Assert.All(map.Components(3), component => Assert.True(double.IsFinite(component.Share) && component.Values.All(float.IsFinite)));
    }

    [Fact]
    public void OnlyTheSourcesOwnRowAtTheWatchedSizeCounts()
    {
        using var map = new SelfAttentionMap(Height, Width);
        using var attention = new EditAttentionProcessor([null, null], self: map);
        Attend(attention, AttentionKind.Cross, Height, [Source], new int[Positions], new int[Positions]);
        Attend(attention, AttentionKind.Self, Width, [Source], new int[Positions], new int[Positions]);
        Attend(attention, AttentionKind.Self, Height, [Unconditional, Edit], new int[Positions], new int[Positions]);
        Assert.Throws<InvalidOperationException>(() => map.Components(1));
    }

    private static SelfAttentionMap Watched(int[] looks, int[] seen)
    {
        var map = new SelfAttentionMap(Height, Width);
        using var attention = new EditAttentionProcessor([null, null], self: map);
        Attend(attention, AttentionKind.Self, Height, [Unconditional, Source, Edit], looks, seen);
        return map;
    }

    // One head; a position looks at those whose kind is its own. Rows other than the source's look at nothing in particular.
    private static void Attend(EditAttentionProcessor attention, AttentionKind kind, int height, BatchRow[] rows, int[] looks, int[] seen)
    {
        using var _ = NewDisposeScope();
        var site = new AttentionSite(0, UNetStage.Mid, kind, "test");
        var call = new AttentionCall(site, new DenoisingStep(0, 0, rows), height, Positions / height);
        attention.Attend(call, Kinds(looks), Kinds(seen), zeros(rows.Length, 1, Positions, 4));

        Tensor Kinds(int[] kinds) => stack([.. rows.Select(row => row == Source
            ? nn.functional.one_hot(tensor(kinds.Select(k => (long)k).ToArray()), 4).to(ScalarType.Float32) * Sharpness
            : zeros(Positions, 4))]).unsqueeze(1);
    }
}
