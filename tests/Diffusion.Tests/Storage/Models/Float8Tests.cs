using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class Float8Tests(SmallModels models) : IClassFixture<SmallModels>, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    /// <summary>Every code, against the formats' definitions (arXiv 2209.05433, table 1).</summary>
    [Theory]
    [InlineData("F8_E4M3", 4, 3, 7, false)]
    [InlineData("F8_E5M2", 5, 2, 15, true)]
    public void EveryCodeIsReadExactly(string type, int exponentBits, int mantissaBits, int bias, bool hasInfinity)
    {
        byte[] codes = [.. Enumerable.Range(0, 256).Select(code => (byte)code)];
        Save("f.safetensors", ("w", type, [256], codes));
        using var file = SafetensorsFile.Open(folder["f.safetensors"]);
        var read = file.Read("w");
        Assert.Equal(ScalarType.Float16, read.dtype);
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16 })
        {
            var numbers = read.to(dtype).to(ScalarType.Float64).data<double>().ToArray();
            for (var code = 0; code < 256; code++)
            {
                var sign = code < 128 ? 1.0 : -1.0;
                var exponent = (code & 0x7F) >> mantissaBits;
                var fraction = (code & ((1 << mantissaBits) - 1)) / (double)(1 << mantissaBits);
                var top = (1 << exponentBits) - 1;
                var expected = sign * (exponent == 0 ? fraction * Math.Pow(2, 1 - bias) : (1 + fraction) * Math.Pow(2, exponent - bias));
                if (exponent == top && (hasInfinity || fraction == 0.875))
                    expected = hasInfinity && fraction == 0 ? sign * double.PositiveInfinity : double.NaN;
                Assert.Equal(expected, numbers[code]);
                Assert.Equal(code >= 128, double.IsNaN(expected) ? code >= 128 : double.IsNegative(numbers[code]));
            }
        }
    }

    [Fact]
    public void KnownNumbers()
    {
        Assert.Equal([448, 0.015625, 0.001953125, -1, 1.5], new[] { 0x7E, 0x08, 0x01, 0xB8, 0x3C }.Select(code => (double)Float8Numbers.Table(Float8.E4M3)[code]));
        Assert.Equal([57344, 1, double.NegativeInfinity], new[] { 0x7B, 0x3C, 0xFC }.Select(code => (double)Float8Numbers.Table(Float8.E5M2)[code]));
    }

    /// <summary>A model in float8 computes what the same numbers in float32 do, and its scales count.</summary>
    [Theory]
    [InlineData("F8_E4M3", "")]
    [InlineData("F8_E5M2", "")]
    [InlineData("F8_E4M3", ".scale_weight")]
    [InlineData("F8_E4M3", ".weight_scale")]
    [InlineData("F8_E4M3", ".weight_scale rows")]
    public void AModelInFloat8IsReadAsItsNumbers(string type, string scale)
    {
        var path = Path.Combine(folder.Copy(models.Plain, "m"), "unet", "diffusion_pytorch_model.safetensors");
        using var random = new Generator(5);
        var tensors = new List<(string, string, long[], byte[])>();
        var expected = new Dictionary<string, Tensor>();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var (name, entry) in file.Tensors)
            {
                // Any numbers but the largest exponents.
                var codes = randint(0, 0x60, entry.Shape, dtype: ScalarType.Byte, generator: random);
                tensors.Add((name, type, entry.Shape, codes.data<byte>().ToArray()));
                var table = tensor(Float8Numbers.Table(type == "F8_E4M3" ? Float8.E4M3 : Float8.E5M2).Select(half => (float)half).ToArray());
                expected[name] = table[codes.to(ScalarType.Int64)];
                if (scale.Length == 0 || !name.EndsWith("to_q.weight", StringComparison.Ordinal))
                    continue;
                long[] shape = scale.EndsWith("rows", StringComparison.Ordinal) ? [entry.Shape[0], 1] : [];
                var factors = rand(shape, generator: random) + 0.5;
                expected[name] *= factors;
                var layer = name[..^".weight".Length];
                tensors.Add((layer + scale.Split(' ')[0], "F32", shape, Bytes(factors)));
                tensors.Add((layer + (scale.StartsWith(".scale", StringComparison.Ordinal) ? ".scale_input" : ".input_scale"), "F32", [], Bytes(ones(1))));
            }
        }

        if (scale.Length > 0)
            tensors.Add(("scaled_fp8", type, [0], []));
        WriteFile(path, tensors);
        var model = Path.GetDirectoryName(Path.GetDirectoryName(path))!;

        using var files = ModelFiles.Open(model);
        var read = files.Weights(ModelParts.UNet).Tensors;

        Assert.Equal(expected.Keys.Order(), read.Keys.Order());
        Assert.All(expected, entry => Assert.True(entry.Value.allclose(read[entry.Key].Read().to(ScalarType.Float32), rtol: 1e-6), entry.Key));
        using var loaded = StableDiffusionModel.Load(model);
        Assert.Contains(type == "F8_E4M3" ? "float8_e4m3" : "float8_e5m2", ModelReport.Of(model).Parts.Single(part => part.Name == "unet").Types);
        Assert.All(ModelCheck.Of(model), part => Assert.True(part.IsSound));
    }

    [Fact]
    public void ScalesOfAnotherKindAreRefusedByName()
    {
        Save("block.safetensors", ("a.weight", "F8_E4M3", [4, 4], new byte[16]), ("a.scale_weight", "F32", [2, 2], new byte[16]));
        Refused("block.safetensors", "a.scale_weight");
        Save("quant.safetensors", ("a.weight", "F8_E4M3", [4], new byte[4]), ("a.weight_scale", "F32", [], new byte[4]), ("a.comfy_quant", "U8", [18], Encoding.UTF8.GetBytes("{\"format\":\"nvfp4\"}")[..18]));
        Refused("quant.safetensors", "a.comfy_quant");
        Save("e8.safetensors", ("a.weight", "F8_E8M0", [4], new byte[4]));
        Assert.Contains("F8_E8M0", Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(folder["e8.safetensors"])).Message);
    }

    [Fact]
    public void AScaleWithoutAWeightStaysATensorThatNobodyKnows()
    {
        var model = folder.Copy(models.Plain, "m");
        var path = Path.Combine(model, "unet", "diffusion_pytorch_model.safetensors");
        using (var file = SafetensorsFile.Open(path))
        {
            SafetensorsWriter.Write(folder["new"], file.Tensors.Keys.ToDictionary(name => name, file.Read).Append(new("nothing.scale_weight", ones(1))));
        }

        File.Move(folder["new"], path, overwrite: true);
        Assert.Contains("nothing.scale_weight", Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(model)).Message);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private static byte[] Bytes(Tensor numbers) => [.. numbers.flatten().data<float>().SelectMany(BitConverter.GetBytes)];

    private static void WriteFile(string path, IEnumerable<(string Name, string Type, long[] Shape, byte[] Data)> tensors)
    {
        var header = new JsonObject();
        var data = new List<byte>();
        // The largest elements first, so that all are aligned.
        foreach (var (name, type, shape, bytes) in tensors.OrderByDescending(tensor => tensor.Type == "F32"))
        {
            header[name] = new JsonObject { ["dtype"] = type, ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]), ["data_offsets"] = new JsonArray(data.Count, data.Count + bytes.Length) };
            data.AddRange(bytes);
        }

        File.WriteAllBytes(path, SafetensorsBytes.Compose(Encoding.UTF8.GetBytes(header.ToJsonString()), [.. data]));
    }

    private void Save(string name, params (string Name, string Type, long[] Shape, byte[] Data)[] tensors) => WriteFile(folder[name], tensors);

    private void Refused(string name, string expected) => Assert.Contains(expected, Assert.Throws<InvalidInputException>(() => StoredTensors.Open(folder[name])).Message);
}
