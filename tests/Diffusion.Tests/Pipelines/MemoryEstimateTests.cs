using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

public sealed class MemoryEstimateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void WeightsAreThoseThatAreLoaded()
    {
        var path = SmallModel.Write(folder["m"]);
        var report = ModelReport.Of(path);
        var vae = report.Parts.Single(part => part.Name == "vae").Parameters;
        var all = report.Parts.Sum(part => part.Parameters);
        Assert.Equal(all * 4, Of(path).Weights);
        Assert.Equal((all * 2) + (vae * 2), Of(path, ScalarType.BFloat16).Weights);
    }

    // Of a model with narrow weights and float32 arithmetic: the weights of one type, the feature maps of the other.
    [Fact]
    public void NarrowWeightsSaveTheirOwnMemoryOnly()
    {
        var path = SmallModel.Write(folder["m"]);
        var (single, narrow) = (Of(path), MemoryEstimate.Of(path, new(), new(ScalarType.Float16, ScalarType.Float32), new(1)));
        Assert.Equal(Of(path, ScalarType.BFloat16).Weights, narrow.Weights);
        Assert.Equal(single.KeysAndValues, narrow.KeysAndValues);
        // A layer's weight is widened while it runs.
        Assert.InRange(narrow.Network, single.Network + 1, single.Network + (single.NetworkWeights / 4));
        Assert.Contains("bfloat16", Assert.Throws<InvalidInputException>(() => single.RequireFits(1)).Message);
        Assert.DoesNotContain("bfloat16", Assert.Throws<InvalidInputException>(() => narrow.RequireFits(1)).Message);
    }

    [Fact]
    public void LargerRunsNeedMore()
    {
        var path = SmallModel.Write(folder["m"]);
        var (small, large) = (Of(path, size: new(512, 512)), Of(path, size: new(1024, 1024)));
        Assert.Equal(4 * small.Network, large.Network);
        Assert.Equal(4 * small.Decoding, large.Decoding);
        Assert.Equal(2 * small.Network, Of(path, size: new(512, 512), rows: 2).Network);
        Assert.Equal(small.Network, 2 * Of(path, ScalarType.BFloat16, new(512, 512)).Network);
        Assert.Equal(small.Decoding, Of(path, size: new(1024, 1024), options: new() { TiledVae = true }).Decoding);
        var (one, four) = (Learning(1), Learning(4));
        Assert.True(one.Network > small.Network);
        Assert.Equal(4 * one.Network, four.Network);
        // One after the other: what an edit takes after an inversion is not added to it.
        Assert.Equal(four.Network, MemoryEstimate.Of(path, new(), Precision.Single, new(5, new(512, 512), LearningRows: 4)).Network);

        MemoryEstimate Learning(int rows) => MemoryEstimate.Of(path, new(), Precision.Single, new(1, new(512, 512), LearningRows: rows));
    }

    // Two numbers, key and value, of each cross-attention layer for each token: as they are, and twice with the edit's matrices applied.
    [Fact]
    public void TheTextsKeysAndValuesCount()
    {
        var path = SmallModel.Write(folder["m"]);
        using var files = ModelFiles.Open(path, new());
        var widths = files.Weights("unet").Tensors.Where(tensor => tensor.Key.EndsWith("attn2.to_k.weight", StringComparison.Ordinal)).Sum(tensor => tensor.Value.Shape[0]);
        var (one, four) = (Of(path), Of(path, rows: 4));
        Assert.Equal(3 * 2 * 77 * 4 * widths, one.KeysAndValues);
        Assert.Equal(4 * one.KeysAndValues, four.KeysAndValues);
        Assert.Equal(0, Of(path, rows: 4, options: new() { OnePartAtATime = true }).KeysAndValues);
        Assert.Equal(four.Weights + four.Network + four.KeysAndValues, (four with { Decoding = 0 }).Peak);
    }

    [Fact]
    public void OnePartAtATimeTakesTheMemoryOfTheLargest()
    {
        var path = SmallModel.Write(folder["m"]);
        var (all, one) = (Of(path), Of(path, options: new() { OnePartAtATime = true }));
        Assert.Equal(Math.Max(all.TextWeights, Math.Max(all.NetworkWeights + all.Network, all.AutoencoderWeights + all.Decoding)), one.Peak);
        Assert.Equal(all.Weights + Math.Max(all.Network + all.KeysAndValues, all.Decoding), all.Peak);
        Assert.True(one.Peak < all.Peak);
        Assert.Equal(one.Peak, Of(path, rows: 8, options: new() { OnePartAtATime = true }).Peak);
        var together = MemoryEstimate.Of(path, new() { OnePartAtATime = true }, Precision.Single, new(Rows: 10, RowsTogether: 8));
        Assert.Equal((8 * one.Network, 8 * all.KeysAndValues), (together.Network, together.KeysAndValues));
    }

    [Fact]
    public void ARunThatCannotFitIsRefusedWithWhatWouldHelp()
    {
        new MemoryEstimate(0, 1, 0, 2, 3).RequireFits(4);
        Assert.Contains("VAE tiling", Assert.Throws<InvalidInputException>(() => new MemoryEstimate(0, 1, 0, 2, 3).RequireFits(3)).Message);
        Assert.Contains("low memory", Assert.Throws<InvalidInputException>(() => new MemoryEstimate(0, 1, 0, 3, 2).RequireFits(3)).Message);
        Assert.Contains("smaller batch", Assert.Throws<InvalidInputException>(() => new MemoryEstimate(0, 1, 0, 3, 2).RequireFits(3, takesAllParts: true)).Message);
        Assert.Contains("VAE tiling", Assert.Throws<InvalidInputException>(() => new MemoryEstimate(0, 1, 0, 3, 5, OnePartAtATime: true).RequireFits(3)).Message);
    }

    [Fact]
    public void AGivenImageCounts()
    {
        var path = SmallModel.Write(folder["m"]);
        var without = Of(path);
        var large = MemoryEstimate.Of(path, new ModelLoadOptions(), Precision.Single, new MemoryDemand(1, Given: new PixelSize(8000, 5000)));
        // Itself, a mask, a result, and what is being written.
        Assert.Equal(40_000_000L * 14, large.Peak - without.Peak);
        Assert.Contains("smaller image", Assert.Throws<InvalidInputException>(() => large.RequireFits(100_000_000)).Message);
    }

    public void Dispose() => folder.Dispose();

    private static MemoryEstimate Of(
        string path, ScalarType dtype = ScalarType.Float32, PixelSize? size = null, int rows = 1, ModelLoadOptions? options = null) =>
        MemoryEstimate.Of(path, options ?? new ModelLoadOptions(), new Precision(dtype, dtype), new MemoryDemand(rows, size));
}
