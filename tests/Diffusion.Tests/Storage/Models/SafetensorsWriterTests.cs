using CsCheck;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class SafetensorsWriterTests : IDisposable
{
    private static readonly ScalarType[] Types =
    [
        ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64,
        ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
    ];

    private readonly TemporaryFolder folder = new();

    [Fact]
    public void EveryTypeAndShapeComesBack()
    {
        Gen<(ScalarType Type, long[] Shape)[]> sets = Gen.Select(Gen.Int[0, Types.Length - 1].Select(i => Types[i]), Gen.Long[0, 4].Array[0, 4]).Array[0, 6];
        sets.Sample(
            set =>
            {
                using var scope = NewDisposeScope();
                KeyValuePair<string, Tensor>[] tensors =
                [
                    .. set.Select((item, i) => new KeyValuePair<string, Tensor>($"t{i}.ü\"", (randn(item.Shape) * 3).to(item.Type))),
                ];
                var path = folder[Guid.NewGuid().ToString("N")];
                SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
                using var file = SafetensorsFile.Open(path);
                Assert.Equal("pt", file.Metadata["format"]);
                Assert.Equal(tensors.Length, file.Tensors.Count);
                foreach ((var name, var tensor) in tensors)
                {
                    var read = file.Read(name);
                    Assert.Equal(tensor.dtype, read.dtype);
                    Assert.Equal(tensor.shape, read.shape);
                    Assert.True(read.equal(tensor).all().item<bool>());
                    Assert.Equal(0, file.Tensors[name].Offset % Math.Max(1, tensor.element_size()));
                }
            },
            iter: 200,
            threads: 1);
    }

    [Fact]
    public void ViewsAreWrittenAsTheyRead()
    {
        using var scope = NewDisposeScope();
        var matrix = arange(12, dtype: float32).reshape(3, 4);
        var tensors = new Dictionary<string, Tensor>
        {
            ["transposed"] = matrix.t(),
            ["sliced"] = matrix[.., 1..3],
            ["expanded"] = matrix[0].expand(2, 4),
            ["learned"] = matrix.clone().requires_grad_(),
        };
        SafetensorsWriter.Write(folder["v"], tensors);
        using var file = SafetensorsFile.Open(folder["v"]);
        foreach ((var name, var tensor) in tensors)
            Assert.True(file.Read(name).equal(tensor.detach()).all().item<bool>(), name);
    }

    [Fact]
    public void EqualContentGivesEqualBytes()
    {
        using Tensor a = ones(3, dtype: uint8), b = ones(2, dtype: float32), c = ones(1, dtype: float32);
        var notes = new Dictionary<string, string> { ["x"] = "1", ["a"] = "2" };
        SafetensorsWriter.Write(folder["1"], [new("a", a), new("c", c), new("b", b)], notes);
        SafetensorsWriter.Write(folder["2"], [new("b", b), new("a", a), new("c", c)], notes.Reverse().ToDictionary());
        Assert.Equal(File.ReadAllBytes(folder["1"]), File.ReadAllBytes(folder["2"]));
        using var file = SafetensorsFile.Open(folder["1"]);
        Assert.Equal(["b", "c", "a"], file.Tensors.Keys);
        Assert.All(file.Tensors.Values.Take(1), entry => Assert.Equal(0, entry.Offset % 8));
    }

    [Fact]
    public void NamesAndTypesTheFormatCannotHoldAreRefusedBeforeAnythingIsWritten()
    {
        using Tensor real = ones(1), complex = ones(1, dtype: complex64);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["f"], [new("a", real), new("a", real)]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["f"], [new("__metadata__", real)]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["f"], [new("a", complex)]));
        Assert.Empty(folder.Files);
    }

    public void Dispose() => folder.Dispose();
}
