using System.IO.Compression;
using CsCheck;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using static PromptToPrompt.Diffusion.Tests.Storage.Pickles.PickleBytes;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Pickles;

[Trait("Category", "Slow")]
public sealed class TorchCheckpointTests : IDisposable
{
    private static readonly byte[] Six = Floats(0, 1, 2, 3, 4, 5);
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TensorsAreViewsOfTheirStorages(bool isLegacy)
    {
        using var stored = Open(Checkpoint(isLegacy));
        Assert.Equal(["half", "w", "w.transposed"], stored.Tensors.Keys.Order());
        Assert.Equal("7", stored.Metadata["global_step"]);
        using var scope = NewDisposeScope();
        Assert.Equal([0f, 1, 2, 3, 4, 5], stored.Tensors["w"].Read().data<float>().ToArray());
        var transposed = stored.Tensors["w.transposed"].Read();
        Assert.Equal([2, 2], transposed.shape);
        Assert.Equal([1f, 4, 2, 5], transposed.data<float>().ToArray());
        Assert.Equal(ScalarType.Float16, stored.Tensors["half"].Type);
        Assert.Equal([1f, 2], stored.Tensors["half"].Read().to(float32).data<float>().ToArray());
    }

    [Fact]
    public void AWholeModelIsReadFromACheckpoint()
    {
        SmallModel.Write(folder["model"]);
        ModelConverter.ToSingleFile(folder["model"], folder["m.safetensors"], dtype: null);
        using var scope = NewDisposeScope();
        using (var file = SafetensorsFile.Open(folder["m.safetensors"]))
        {
            // Notes have no place in a checkpoint, so that the family's shape would be asked for: the names and numbers are compared.
            var pickle = new PickleBytes().Op('}').Text("state_dict").Op('}').Op('(');
            var storages = new List<(string, byte[])>();
            foreach (var (name, entry) in file.Tensors)
            {
                var tensor = file.Read(name).flatten();
                var strides = entry.Shape.Select((_, i) => (int)entry.Shape.Skip(i + 1).Aggregate(1L, (product, size) => product * size)).ToArray();
                pickle.Text(name).Tensor("FloatStorage", $"{storages.Count}", (int)tensor.numel(), [.. entry.Shape.Select(size => (int)size)], strides);
                storages.Add(($"{storages.Count}", [.. tensor.data<float>().SelectMany(BitConverter.GetBytes)]));
            }

            using var stored = Open(Archive(pickle.Op('u').Op('s').End(), [.. storages]));
            Assert.Equal(file.Tensors.Keys.Order(), stored.Tensors.Keys.Order());
            Assert.All(file.Tensors.Keys, name => Assert.True(file.Read(name).equal(stored.Tensors[name].Read()).all().item<bool>()));
        }

        Assert.Contains("contains no tokenizer", Assert.Throws<InvalidInputException>(
            () => StableDiffusionModel.Load(folder["x.ckpt"], options: new() { Environment = _ => folder["nowhere"] })).Message);
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("torch.hub", "load")]
    [InlineData("collections", "OrderedDict.x")]
    public void OtherNamesAreRefusedByName(string module, string name)
    {
        var pickle = new PickleBytes().Global(module, name).Op('(').Text("touch /tmp/p2p-was-here").Op('t').Op('R').End();
        var message = Refused(Archive(pickle));
        Assert.Contains($"\"{module}.{name}\"", message);
        Assert.Contains("not executed", message);
        var stacked = new PickleBytes().Text(module).Text(name).Op(0x93).End();
        Assert.Contains($"\"{module}.{name}\"", Refused(Archive(stacked)));
    }

    [Theory]
    [InlineData('i')] // INST
    [InlineData('o')] // OBJ
    [InlineData('\x81')] // NEWOBJ
    [InlineData('\x92')] // NEWOBJ_EX
    [InlineData('\x82')] // EXT1
    [InlineData('P')] // PERSID
    [InlineData('I')] // INT as text
    public void OtherInstructionsAreRefused(char instruction) => Assert.Contains($"0x{(int)instruction:x2}", Refused(Archive(new PickleBytes().Op(instruction).End())));

    [Fact]
    public void KnownNamesCannotBeCalledOtherwise()
    {
        Assert.Contains("calls", Refused(Archive(new PickleBytes().Global("torch", "FloatStorage").Op(')').Op('R').End())));
        Assert.Contains("calls", Refused(Archive(new PickleBytes().Global("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint").Op(')').Op('R').End())));
        Assert.Contains("calls", Refused(Archive(new PickleBytes().Global("torch._utils", "_rebuild_tensor_v2").Op(')').Op('R').End())));
        Assert.Contains("not a plain container", Refused(Archive(new PickleBytes().Global("collections", "OrderedDict").Op('}').Op('b').End())));
    }

    [Theory]
    [InlineData(6, new[] { 7 }, new[] { 1 }, 0)]
    [InlineData(6, new[] { 2, 3 }, new[] { 3, 2 }, 0)]
    [InlineData(6, new[] { 6 }, new[] { 1 }, 1)]
    [InlineData(6, new[] { 6 }, new[] { 1 }, -1)]
    [InlineData(6, new[] { 6 }, new[] { -1 }, 5)]
    [InlineData(6, new[] { 100 }, new[] { 0 }, 0)]
    [InlineData(6, new[] { -6 }, new[] { 1 }, 0)]
    [InlineData(6, new[] { 6 }, new[] { 1, 1 }, 0)]
    [InlineData(6, new[] { 0, int.MaxValue, int.MaxValue }, new[] { 0, 0, 0 }, 0)]
    [InlineData(7, new[] { 6 }, new[] { 1 }, 0)]
    [InlineData(-1, new[] { 0 }, new[] { 1 }, 0)]
    public void TensorsOutsideTheirStorageAreRefused(int count, int[] shape, int[] strides, int offset) =>
        Refused(Archive(new PickleBytes().Op('}').Text("w").Tensor("FloatStorage", "0", count, shape, strides, offset).Op('s').End(), ("0", Six)));

    [Fact]
    public void DamagedArchivesAreOneClearLine()
    {
        var pickle = Lightning();
        Assert.Contains("\"1\" is not in the archive", Refused(Archive(pickle, ("0", Six))));
        Assert.Contains("its directory is missing", Refused(Archive(pickle, ("0", Six))[..100]));
        Assert.Contains("compressed", Refused(Zip(CompressionLevel.SmallestSize, ("a/data.pkl", [.. pickle, .. new byte[1000]]))));
        Assert.Contains("0 entries", Refused(Zip(CompressionLevel.NoCompression, ("a.txt", [1]))));
        Assert.Contains("byte order", Refused(Zip(CompressionLevel.NoCompression, ("a/data.pkl", pickle), ("a/byteorder", "big"u8.ToArray()))));
        Assert.Contains("no named tensors", Refused(Archive(new PickleBytes().Op('}').End())));
        Assert.Contains("no named tensors", Refused(Archive(new PickleBytes().Op('N').End())));
        Assert.Contains("is not a readable checkpoint", Refused([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, .. new byte[50]]));
        Assert.Contains("is truncated", Refused(Checkpoint(isLegacy: true)[..^2]));
        Assert.Contains("sizes of its data disagree", Refused(Legacy(pickle, ("0", 5, Six[..20]), ("1", 2, [0, 0x3c, 0, 0x40]))));
        Assert.Contains("nothing describes", Refused(Legacy(pickle, ("2", 6, Six))));
        Assert.Contains("\"1\" is not in the archive", Refused(Legacy(pickle, ("0", 6, Six))));
        Assert.Contains("is truncated", Refused(Archive(pickle[..^20], ("0", Six), ("1", Six))));
    }

    [Theory]
    [InlineData(5, true)]
    [InlineData(6, true)]
    [InlineData(7, false)]
    [InlineData(1000, false)]
    public void AStorageHasAtMostAViewBesides(int items, bool isRead)
    {
        var pickle = new PickleBytes().Op('}').Text("w").Global("torch._utils", "_rebuild_tensor_v2").Op('(')
            .Op('(').Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Number(6);
        for (var i = 5; i < items; i++)
            pickle.Op('N');
        pickle.Op('t').Op('Q').Number(0).Numbers(6).Numbers(1).Op(0x89).Global("collections", "OrderedDict").Op(')').Op('R').Op('t').Op('R').Op('s');
        var archive = Archive(pickle.End(), ("0", Six));
        if (isRead)
            Open(archive).Dispose();
        else
            Assert.Contains("not a storage", Refused(archive));
    }

    [Fact]
    public void WorkIsBounded()
    {
        Assert.Contains("too many instructions", Refused(Archive([0x80, 2, .. Enumerable.Repeat((byte)'N', 4_000_100)])));
        // So is copying one long list again and again.
        var copies = new PickleBytes().Op(']').Op('q', 0).Op('(');
        for (var i = 0; i < 100_000; i++)
            copies.Op(')').Op(')').Op(0x86);
        copies.Op('e');
        for (var i = 0; i < 100; i++)
            copies.Global("collections", "OrderedDict").Op('h', 0).Op(0x85).Op('R');
        Assert.Contains("too many instructions", Refused(Archive(copies.End())));
        // A list in itself, many times over, must not be expanded.
        var pickle = new PickleBytes().Op(']').Op('q', 0);
        for (var i = 0; i < 10_000; i++)
            pickle.Op('h', 0).Op('a');
        Assert.Contains("no named tensors", Refused(Archive(pickle.End())));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MutatedCheckpointsAreReadOrRefused(bool isLegacy)
    {
        var valid = Checkpoint(isLegacy);
        var mutated = Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte).Array[1, 6].Select(changes =>
        {
            byte[] bytes = [.. valid];
            foreach (var (index, value) in changes)
                bytes[index] = value;
            return bytes;
        });
        mutated.Sample(
            bytes =>
            {
                var path = folder[Guid.NewGuid().ToString("N")];
                File.WriteAllBytes(path, bytes);
                try
                {
                    using var stored = StoredTensors.Open(path);
                    foreach (var (_, weight) in stored.Tensors)
                    {
                        using var tensor = weight.Read();
                        Assert.Equal(weight.Shape, tensor.shape);
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
            iter: 2000,
            threads: 1);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>What a training run leaves: a state among other things, a name as a key, a NumPy number, an attribute on the state.</summary>
    private static byte[] Lightning() => new PickleBytes().Op('}').Op('q', 0).Op('(')
        .Text("global_step").Number(7)
        .Text("callbacks").Op('}').Global("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint").Op('}').Op('s')
        .Text("loss").Global("numpy.core.multiarray", "scalar").Op('(')
        .Global("numpy", "dtype").Op('(').Text("f8").Op(0x89).Op(0x88).Op('t').Op('R').Numbers(3).Op('b')
        .Global("_codecs", "encode").Op('(').Text("x").Text("latin1").Op('t').Op('R').Op('t').Op('R')
        .Text("state_dict").Global("collections", "OrderedDict").Op(')').Op('R').Op('q', 1).Op('(')
        .Text("w").Tensor("FloatStorage", "0", 6, [2, 3], [3, 1])
        .Text("w.transposed").Tensor("FloatStorage", "0", 6, [2, 2], [1, 3], offset: 1)
        .Text("half").Tensor("HalfStorage", "1", 2, [2], [1])
        .Op('u').Op('}').Text("_metadata").Op('N').Op('s').Op('b')
        .Op('u').End();

    private static byte[] Checkpoint(bool isLegacy)
    {
        byte[] halves = [0, 0x3c, 0, 0x40];
        return isLegacy ? Legacy(Lightning(), ("0", 6, Six), ("1", 2, halves)) : Archive(Lightning(), ("0", Six), ("1", halves));
    }

    private StoredTensors Open(byte[] bytes)
    {
        File.WriteAllBytes(folder["x.ckpt"], bytes);
        Assert.True(TorchCheckpoint.IsOne(folder["x.ckpt"]));
        return StoredTensors.Open(folder["x.ckpt"]);
    }

    private string Refused(byte[] bytes)
    {
        File.WriteAllBytes(folder["x.ckpt"], bytes);
        var error = Assert.Throws<InvalidInputException>(() => StoredTensors.Open(folder["x.ckpt"]));
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains(folder["x.ckpt"], error.Message);
        return error.Message;
    }
}
