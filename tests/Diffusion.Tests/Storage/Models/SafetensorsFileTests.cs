using System.Text;
using CsCheck;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Tests.Storage.Models.SafetensorsBytes;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void OpensAFileOfTheReferenceImplementation()
    {
        using var file = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Fixtures", "scheduler", "ddim.safetensors"));
        Assert.Equal(122, file.Tensors.Count);
        var entry = file.Tensors["sample"];
        Assert.Equal(ScalarType.Float32, entry.DType);
        Assert.Equal([2, 4, 8, 8], entry.Shape);
        Assert.Equal(2 * 4 * 8 * 8 * 4, entry.Length);
        using var betas = file.Read("betas");
        Assert.Equal([1000], betas.shape);
        Assert.Equal(0.00085f, betas[0].item<float>(), 1e-9f);
    }

    [Fact]
    public void ReadingCopiesNothingAndWritingChangesNoFile()
    {
        var path = Write(arange(6, dtype: float32).reshape(2, 3));
        var before = File.ReadAllBytes(path);
        using (var file = SafetensorsFile.Open(path))
        {
            using Tensor first = file.Read("x"), second = file.Read("x");
            Assert.Equal(TensorMemory.Address(first), TensorMemory.Address(second));
            first.mul_(2);
            Assert.Equal(10f, second[1, 2].item<float>());
        }
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void TensorsOutliveTheFile()
    {
        var path = Write(arange(100_000, dtype: int64));
        Tensor tensor;
        using (var file = SafetensorsFile.Open(path))
        {
            tensor = file.Read("x");
            file.Read("x").Dispose();
        }
        File.Delete(path);
        using (tensor)
            Assert.Equal(100_000L * 99_999 / 2, tensor.sum().item<long>());
    }

    [Fact]
    public void AClosedFileIsNotRead()
    {
        var file = SafetensorsFile.Open(Write(ones(2)));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read("x"));
    }

    [Fact]
    public void DataThatIsNotAlignedIsCopied()
    {
        const string Json = """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""";
        byte[] data = [7, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)];
        using var file = SafetensorsFile.Open(WriteBytes(Compose(Encoding.UTF8.GetBytes(Json), data)));
        using Tensor a = file.Read("a"), x = file.Read("x");
        Assert.Equal(7, a[0].item<byte>());
        Assert.Equal([1.5f, -2f], x.data<float>().ToArray());
    }

    [Fact]
    public void AnyByteButZeroIsTrue()
    {
        var json = Encoding.UTF8.GetBytes("""{"x":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""");
        using var file = SafetensorsFile.Open(WriteBytes(Compose(json, [0, 1, 77])));
        using var x = file.Read("x");
        Assert.Equal([false, true, true], x.data<bool>().ToArray());
    }

    [Fact]
    public void ATensorThatIsNotThereIsNamed()
    {
        using var file = SafetensorsFile.Open(Write(ones(1)));
        var error = Assert.Throws<InvalidInputException>(() => file.Read("conv_in.weight"));
        Assert.Contains("\"conv_in.weight\"", error.Message);
        Assert.Contains(file.Path, error.Message);
    }

    [Theory]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16, "\"w\" occurs twice")]
    [InlineData("""{"w":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[0,2]}}""", 2, "\"w\" has the type \"F8_E8M0\"")]
    [InlineData("""{"w":{"shape":[2],"data_offsets":[0,2]}}""", 2, "\"w\" has the type \"(none)\"")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "\"w\" ends at byte 0")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "\"w\" ends at byte 8 of the data, but the file has only 7")]
    [InlineData("""{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "\"w\" has 8 bytes; its shape [3] and type F32 need 12")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", 8, "\"w\" has the impossible shape")]
    [InlineData("""{"w":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "\"w\" has the impossible shape")]
    [InlineData("""{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "\"w\" has a value that is not a non-negative integer")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "\"w\" has a value that is not a non-negative integer")]
    [InlineData("""{"w":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "\"w\" has a value that is not a non-negative integer")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}""", 8, "\"w\" has a value that is not a non-negative integer")]
    [InlineData("""{"w":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "\"w\" needs the field shape")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "\"w\" needs two data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "\"w\" has the field shape twice")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}""", 8, "\"w\" has the unknown field \"x\"")]
    [InlineData("""{"w":3}""", 0, "\"w\" is not described by an object")]
    [InlineData("""{"v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6, "\"w\" overlaps")]
    [InlineData("""{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}""", 6, "\"w\" leaves a gap of 2 bytes")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 5, "its last 3 bytes belong to no tensor")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "the entry \"a\"")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "the entry \"a\"")]
    [InlineData("""{"__metadata__":[]}""", 0, "__metadata__")]
    [InlineData("""{"__metadata__":{"a":"1"},"__metadata__":{"b":"1"}}""", 0, "__metadata__")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offs""", 0, "not valid JSON")]
    [InlineData("[]", 0, "not a JSON object")]
    [InlineData(" {}", 0, "not a JSON object")]
    [InlineData("", 0, "not a JSON object")]
    public void EveryBrokenRuleIsOneClearLine(string json, int dataLength, string expected)
    {
        var message = Refused(Compose(json, dataLength));
        Assert.Contains(expected, message);
    }

    [Fact]
    public void NamesFromTheFileCannotBreakTheLine()
    {
        var message = Refused(Compose("""{"a\nb\u001b":3}""", 0));
        Assert.Contains("\"a?b?\"", message);
        Refused(Compose([.. "{\""u8, 0xFF, 0xFE, .. "\":{}}"u8], []));
        Refused(Compose("""{"\ud800":{}}""", 0));
    }

    [Fact]
    public void FilesOfAnotherKindAreRecognized()
    {
        Assert.Contains("an empty file", Refused([]));
        Assert.Contains("only 7 bytes", Refused(new byte[7]));
        Assert.Contains("git lfs pull", Refused(Encoding.ASCII.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")));
        Assert.Contains("pickled", Refused([.. "PK\u0003\u0004"u8, .. new byte[100].Select(_ => (byte)1)]));
        Assert.Contains("its header alone has 200 bytes", Refused([200, 0, 0, 0, 0, 0, 0, 0, .. "{}"u8]));
        Assert.Contains("claims", Refused([255, 255, 255, 255, 255, 255, 255, 255, .. "{}"u8]));
    }

    [Fact]
    public void PathsThatCannotBeOpenedAreTheCallersMistake()
    {
        foreach (var path in new[] { folder["missing"], folder["no/folder"], folder["."], "" })
            Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(path));
    }

    [Fact]
    public void AFileWithoutTensorsIsValid()
    {
        using var file = SafetensorsFile.Open(WriteBytes(Compose("{}   ", 0)));
        Assert.Empty(file.Tensors);
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void MutatedFilesAreReadOrRefused()
    {
        var valid = Compose(
            """{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"e":{"dtype":"I64","shape":[0],"data_offsets":[26,26]},"m":{"dtype":"BOOL","shape":[3],"data_offsets":[26,29]}}""",
            29);
        var changed = Gen.Select(Gen.Int[0, valid.Length - 1], Gen.OneOf(Gen.Byte, Gen.Byte[(byte)'0', (byte)'9'])).Array[1, 4].Select(changes =>
        {
            byte[] bytes = [.. valid];
            foreach ((var index, var value) in changes)
                bytes[index] = value;
            return bytes;
        });
        var cut = Gen.Select(Gen.Int[0, valid.Length], Gen.Int[0, valid.Length], Gen.Byte.Array[0, 8])
            .Select((a, b, insert) => (byte[])[.. valid[..Math.Min(a, b)], .. insert, .. valid[Math.Max(a, b)..]]);
        var opened = 0;
        Gen.OneOf(changed, cut).Sample(
            bytes =>
            {
                var path = folder[Guid.NewGuid().ToString("N")];
                File.WriteAllBytes(path, bytes);
                try
                {
                    using var file = SafetensorsFile.Open(path);
                    Interlocked.Increment(ref opened);
                    foreach ((var name, var entry) in file.Tensors)
                    {
                        using var tensor = file.Read(name);
                        Assert.Equal(entry.Shape, tensor.shape);
                        Assert.Equal(entry.DType, tensor.dtype);
                    }
                }
                catch (InvalidInputException e)
                {
                    Assert.DoesNotContain('\n', e.Message);
                }
                finally
                {
                    File.Delete(path);
                }
            },
            iter: 2000);
        Assert.True(opened > 10, "some mutations are harmless and must stay readable");
    }

    public void Dispose() => folder.Dispose();

    private string Refused(byte[] bytes)
    {
        var path = WriteBytes(bytes);
        var error = Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    private string WriteBytes(byte[] bytes)
    {
        var path = folder["file.safetensors"];
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private string Write(Tensor tensor)
    {
        using (tensor)
            SafetensorsWriter.Write(folder["x.safetensors"], [new("x", tensor)]);
        return folder["x.safetensors"];
    }
}
