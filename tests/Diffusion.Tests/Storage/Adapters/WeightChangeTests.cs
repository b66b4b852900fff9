using CsCheck;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Adapters;

/// <summary>The relatives of LoRA: what their files change a model's weights to, against sums that are written out number by number.</summary>
public sealed class WeightChangeTests(SmallModels models) : IClassFixture<SmallModels>, IDisposable
{
    private const string Query = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    private const string Wide = "down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj";
    private const string Convolution = "down_blocks.1.resnets.0.conv1";
    private const string Norm = "down_blocks.1.resnets.0.norm1";
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator random = new(11);

    /// <summary>Maps of the U-Net, as wide as high, wider, and of 3×3.</summary>
    public static TheoryData<string> Layers => [Query, Wide, Convolution];

    [Theory]
    [MemberData(nameof(Layers))]
    public void LoHaIsTheProductOfTwoProductsElementByElement(string layer)
    {
        var before = Before(layer);
        var (outputs, columns) = (before.shape[0], before.flatten(1).shape[1]);
        var (a1, b1, a2, b2) = (Numbers(outputs, 3), Numbers(3, columns), Numbers(outputs, 3), Numbers(3, columns));

        var after = After(layer, ("hada_w1_a", a1), ("hada_w1_b", b1), ("hada_w2_a", a2), ("hada_w2_b", b2), ("alpha", tensor(1.5f)));

        var (x1, y1, x2, y2) = (Table(a1), Table(b1), Table(a2), Table(b2));
        AssertChanged(before, after, (row, column) => 0.5 * Dot(x1, y1, row, column) * Dot(x2, y2, row, column));
    }

    [Fact]
    public void LoHaOfAConvolutionMayHaveCores()
    {
        var before = Before(Convolution);
        var (outputs, inputs) = (before.shape[0], before.shape[1]);
        var (a1, t1, b1) = (Numbers(2, outputs), Numbers(2, 2, 3, 3), Numbers(2, inputs));
        var (a2, t2, b2) = (Numbers(2, outputs), Numbers(2, 2, 3, 3), Numbers(2, inputs));

        var after = After(Convolution, ("hada_w1_a", a1), ("hada_t1", t1), ("hada_w1_b", b1), ("hada_w2_a", a2), ("hada_t2", t2), ("hada_w2_b", b2), ("alpha", tensor(4f)));

        var (first, second) = (Tucker(a1, t1, b1), Tucker(a2, t2, b2));
        AssertChanged(before, after, (row, column) => 2 * first(row, column) * second(row, column));
    }

    /// <summary>Each factor is whole or a product; without any product there is no rank, and alpha does not count.</summary>
    [Fact]
    public void LoKrIsAKroneckerProduct() => Gen.Select(Gen.OneOf(Query, Wide, Convolution), Gen.Bool, Gen.Bool, Gen.OneOf(1, 2, 4), Gen.OneOf(1, 2, 8)).Sample(
        (layer, isFirstWhole, isSecondWhole, l, m) =>
        {
            using var each = NewDisposeScope();
            var before = Before(layer);
            var (k, n, kernel) = (before.shape[0] / l, before.shape[1] / m, before.shape.Skip(2).Aggregate(1L, (product, size) => product * size));
            var (w1, first) = Pieces("lokr_w1", isFirstWhole, [l, m]);
            var (w2, second) = Pieces("lokr_w2", isSecondWhole, [k, n, .. before.shape.Skip(2)]);

            var after = After(layer, [.. w1, .. w2, ("alpha", tensor(6f))]);

            // Row l·k + …, column m·(n · kernel) + …: the first factor says which block, the second what is in it.
            var (outer, inner) = (Table(first), Table(second));
            var scale = isFirstWhole && isSecondWhole ? 1 : 6.0 / 3;
            AssertChanged(before, after, (row, column) => scale * outer[row / k, column / (n * kernel)] * inner[row % k, column % (n * kernel)]);
        },
        iter: 12, threads: 1);

    [Fact]
    public void LoKrOfAConvolutionMayHaveACore()
    {
        var before = Before(Convolution);
        var (k, n) = (before.shape[0] / 4, before.shape[1] / 2);
        var (w1, a, core, b) = (Numbers(4, 2), Numbers(2, k), Numbers(2, 2, 3, 3), Numbers(2, n));

        var after = After(Convolution, ("lokr_w1", w1), ("lokr_w2_a", a), ("lokr_t2", core), ("lokr_w2_b", b), ("alpha", tensor(1f)));

        var (outer, inner) = (Table(w1), Tucker(a, core, b));
        AssertChanged(before, after, (row, column) => 0.5 * outer[row / k, column / (n * 9)] * inner(row % k, column % (n * 9)));
    }

    [Fact]
    public void AFullDifferenceIsAddedToWeightAndBias()
    {
        var (conv, norm, bias) = (Before(Convolution), Before(Norm), Before(Convolution, "bias"));
        var (kernel, shift, scale, offset) = (Numbers(conv.shape), Numbers(bias.shape), Numbers(norm.shape), Numbers(norm.shape));
        var normBias = Before(Norm, "bias");
        Save(
            ($"lora_unet_{Flat(Convolution)}.diff", kernel), ($"lora_unet_{Flat(Convolution)}.diff_b", shift),
            ($"lora_unet_{Flat(Norm)}.w_norm", scale), ($"lora_unet_{Flat(Norm)}.b_norm", offset));

        var after = Weights(models.Plain, new Lora(folder["l.safetensors"], 0.25));

        foreach (var (name, whole) in new[] { ($"{Convolution}.weight", conv + (0.25 * kernel)), ($"{Convolution}.bias", bias + (0.25 * shift)), ($"{Norm}.weight", norm + (0.25 * scale)), ($"{Norm}.bias", normBias + (0.25 * offset)) })
            Assert.True(whole.allclose(after[name], atol: 1e-6), name);
    }

    /// <summary>After a DoRA each row has the length that its file says, and the direction that its LoRA gives.</summary>
    [Theory]
    [InlineData(Wide, "lora_magnitude_vector", true)]
    [InlineData(Convolution, "lora_magnitude_vector", true)]
    [InlineData(Wide, "dora_scale", true)]
    [InlineData(Convolution, "dora_scale", true)]
    [InlineData(Query, "dora_scale", true)]
    [InlineData(Query, "dora_scale", false)]
    [InlineData(Wide, "dora_scale", false)]
    [InlineData(Convolution, "dora_scale", false)]
    public void ADoraSetsTheLengthOfRowsOrColumns(string layer, string name, bool ofRows)
    {
        var before = Before(layer);
        var (down, up) = (Numbers([2, .. before.shape.Skip(1)]), before.shape.Length == 4 ? Numbers(before.shape[0], 2, 1, 1) : Numbers(before.shape[0], 2));
        var count = before.shape[ofRows ? 0 : 1];
        var lengths = Numbers(count).abs() + 0.1;
        // LyCORIS's shapes say which axis is meant; peft stores rows' lengths flat, or of convolutions as [1, outputs, 1, 1].
        long[] rest = [.. Enumerable.Repeat(1L, before.shape.Length - 2)];
        long[] shape = name == "dora_scale" ? (ofRows ? [count, 1, .. rest] : [1, count, .. rest]) : before.shape.Length == 4 ? [1, count, 1, 1] : [count];

        var after = After(layer, ("lora_down.weight", down), ("lora_up.weight", up), (name, lengths.reshape(shape)), ("alpha", tensor(1f)));

        var (x, y, w, m) = (Table(up.flatten(1)), Table(down.flatten(1)), Table(before), Table(lengths.unsqueeze(0)));
        var kernel = w.GetLength(1) / (int)before.shape[1];
        var changed = new double[w.GetLength(0), w.GetLength(1)];
        var squares = new double[count];
        for (var row = 0; row < w.GetLength(0); row++)
        {
            for (var column = 0; column < w.GetLength(1); column++)
            {
                changed[row, column] = w[row, column] + (0.5 * Dot(x, y, row, column));
                squares[ofRows ? row : column / kernel] += changed[row, column] * changed[row, column];
            }
        }

        AssertChanged(before, after, (row, column) =>
        {
            var line = ofRows ? row : column / kernel;
            return (m[0, line] / Math.Sqrt(squares[line]) * changed[row, column]) - w[row, column];
        });
    }

    /// <summary>A DoRA of half the strength goes half the way, of none nowhere; beside another LoRA, both see the weight as it was.</summary>
    [Fact]
    public void ADorasStrengthIsHowFarItGoesAndOrderDoesNotCount()
    {
        var before = Before(Query);
        var (down, up, lengths) = (Numbers(2, 32), Numbers(32, 2), Numbers(32).abs() + 0.5);
        Save(($"unet.{Query}.lora_A.weight", down), ($"unet.{Query}.lora_B.weight", up), ($"unet.{Query}.lora_magnitude_vector", lengths));
        var (other, otherUp) = (Numbers(2, 32), Numbers(32, 2));
        SafetensorsWriter.Write(folder["o.safetensors"], new Dictionary<string, Tensor> { [$"unet.{Query}.lora_A.weight"] = other, [$"unet.{Query}.lora_B.weight"] = otherUp });
        var (dora, lora) = (new Lora(folder["l.safetensors"]), new Lora(folder["o.safetensors"], -0.5));
        Tensor Get(params Lora[] loras) => Weights(models.Plain, loras)[$"{Query}.weight"];

        var whole = Get(dora) - before;

        Assert.True((0.5 * whole).allclose(Get(dora with { Weight = 0.5 }) - before, rtol: 1e-4, atol: 1e-5));
        Assert.True(before.allclose(Get(dora with { Weight = 0 }), atol: 1e-6));
        var both = whole - (0.5 * otherUp.matmul(other));
        Assert.True(both.allclose(Get(dora, lora) - before, rtol: 1e-4, atol: 1e-4));
        Assert.True(Get(lora, dora).allclose(Get(dora, lora), rtol: 1e-5, atol: 1e-5));
    }

    [Theory]
    [InlineData("hada_w1_a:32x2 hada_w1_b:2x32 hada_w2_a:32x2", "only a part")]
    [InlineData("hada_w1_a:32x2 hada_w1_b:2x32 hada_w2_a:32x2 hada_w2_b:2x31", "[32, 2] times [2, 32] and [32, 2] times [2, 31]")]
    [InlineData("lokr_w1:4x4 lokr_w2:8x7", "[4, 4] and [8, 7]")]
    [InlineData("lokr_w1:4x4", "only a part")]
    [InlineData("lokr_w1:4x4 lokr_w2:8x8 lokr_w2_a:8x1", "only a part")]
    [InlineData("lokr_w1:4x4 lokr_w2_a:8x2 lokr_w2_b:3x8", "[8, 2] times [3, 8]")]
    [InlineData("lokr_w1:0x4 lokr_w2:8x8", "[0, 4] and [8, 8]")]
    [InlineData("diff:32x31", "[32, 31]")]
    [InlineData("diff:32x32 lokr_w1:4x4 lokr_w2:8x8", "2 ways at once")]
    [InlineData("diff_b:32", "bias")]
    [InlineData("dora_scale:32x1", "only a part")]
    [InlineData("lora_down.weight:2x32 lora_up.weight:32x2 dora_scale:31x1", "[32, 2] times [2, 32]")]
    [InlineData("lora_down.weight:2x32 lora_up.weight:32x2 alpha:2", "only a part")]
    [InlineData("lora_down.weight:0x32 lora_up.weight:32x0", "[32, 0] times [0, 32]")]
    public void WhatDoesNotFitIsOneClearLine(string tensors, string expected)
    {
        Save([.. tensors.Split(' ').Select(tensor => tensor.Split(':')).Select(parts => ($"lora_unet_{Flat(Query)}.{parts[0]}", Numbers([.. parts[1].Split('x').Select(long.Parse)])))]);
        var error = Assert.Throws<InvalidInputException>(() => Weights(models.Plain, new Lora(folder["l.safetensors"])));
        Assert.Contains(expected, error.Message);
        Assert.Contains(folder["l.safetensors"], error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    private static string Flat(string name) => name.Replace('.', '_');

    private static double Dot(double[,] up, double[,] down, long row, long column) =>
        Enumerable.Range(0, up.GetLength(1)).Sum(rank => up[row, rank] * down[rank, column]);

    /// <summary>Σ core[i, j, y, x] · up[i, row] · down[j, input], for a column that is an input and a place in the kernel.</summary>
    private static Func<long, long, double> Tucker(Tensor up, Tensor core, Tensor down)
    {
        var (a, t, b) = (Table(up), Table(core.flatten(0, 1)), Table(down));
        var (rank, kernel) = (b.GetLength(0), t.GetLength(1));
        return (row, column) => Enumerable.Range(0, rank).Sum(i => Enumerable.Range(0, rank).Sum(j => t[(i * rank) + j, column % kernel] * a[i, row] * b[j, column / kernel]));
    }

    /// <summary>A matrix as numbers; what comes behind the first dimension is one.</summary>
    private static double[,] Table(Tensor matrix)
    {
        var flat = matrix.flatten(1);
        var numbers = flat.to(ScalarType.Float64).contiguous().data<double>().ToArray();
        var table = new double[flat.shape[0], flat.shape[1]];
        Buffer.BlockCopy(numbers, 0, table, 0, numbers.Length * sizeof(double));
        return table;
    }

    private static void AssertChanged(Tensor before, Tensor after, Func<long, long, double> change)
    {
        var (from, to) = (Table(before), Table(after));
        for (var row = 0; row < from.GetLength(0); row++)
        {
            for (var column = 0; column < from.GetLength(1); column++)
            {
                var expected = change(row, column);
                Assert.True(Math.Abs(to[row, column] - from[row, column] - expected) < 1e-4 * (1 + Math.Abs(expected)), $"[{row}, {column}]: {to[row, column] - from[row, column]} instead of {expected}");
            }
        }
    }

    /// <summary>A matrix whole, or in two pieces of rank 3, with the matrix that it is.</summary>
    private (List<(string Name, Tensor Tensor)> Pieces, Tensor Matrix) Pieces(string name, bool isWhole, long[] shape)
    {
        var whole = Numbers(shape);
        if (isWhole)
            return ([(name, whole)], whole);
        var (a, b) = (Numbers(shape[0], 3), Numbers(3, whole.numel() / shape[0]));
        return ([($"{name}_a", a), ($"{name}_b", b)], a.matmul(b));
    }

    private Tensor Before(string layer, string kind = "weight") => Weights(models.Plain)[$"{layer}.{kind}"];

    private Tensor After(string layer, params IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        Save([.. tensors.Select(tensor => ($"lora_unet_{Flat(layer)}.{tensor.Name}", tensor.Tensor))]);
        return Weights(models.Plain, new Lora(folder["l.safetensors"]))[$"{layer}.weight"];
    }

    private Dictionary<string, Tensor> Weights(string model, params Lora[] loras)
    {
        using var files = ModelFiles.Open(model, new ModelLoadOptions { Loras = loras });
        return files.Weights(ModelParts.UNet).Tensors.ToDictionary(tensor => tensor.Key, tensor => tensor.Value.Read().clone());
    }

    private Tensor Numbers(params long[] shape) => randn(shape, generator: random);

    private void Save(params (string Name, Tensor Tensor)[] tensors) =>
        SafetensorsWriter.Write(folder["l.safetensors"], tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Tensor));
}
