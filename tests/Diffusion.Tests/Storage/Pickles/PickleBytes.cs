using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PromptToPrompt.Diffusion.Tests.Storage.Pickles;

/// <summary>Pickles and checkpoints put together instruction by instruction, as PyTorch's <c>save</c> writes them.</summary>
internal sealed class PickleBytes
{
    private readonly MemoryStream bytes = new();

    public PickleBytes() => Op(0x80, 2);

    public byte[] End()
    {
        Op('.');
        return bytes.ToArray();
    }

    public PickleBytes Op(char instruction, params byte[] arguments) => Op((byte)instruction, arguments);

    public PickleBytes Op(byte instruction, params byte[] arguments)
    {
        bytes.WriteByte(instruction);
        bytes.Write(arguments);
        return this;
    }

    public PickleBytes Text(string text) => Op('X', [.. Int(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)]);

    public PickleBytes Number(int number) => Op('J', Int(number));

    public PickleBytes Global(string module, string name) => Op('c', Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public PickleBytes Numbers(params int[] numbers)
    {
        Op('(');
        foreach (var number in numbers)
            Number(number);
        return Op('t');
    }

    /// <summary>A tensor as <c>torch.save</c> writes one.</summary>
    public PickleBytes Tensor(string storage, string key, int count, int[] shape, int[] strides, int offset = 0)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Op('(');
        Op('(').Text("storage").Global("torch", storage).Text(key).Text("cpu").Number(count).Op('t').Op('Q');
        Number(offset).Numbers(shape).Numbers(strides).Op(0x89);
        return Global("collections", "OrderedDict").Op(')').Op('R').Op('t').Op('R');
    }

    /// <summary>A checkpoint of a pickle and of storages.</summary>
    public static byte[] Archive(byte[] pickle, params (string Key, byte[] Data)[] storages) =>
        Zip(CompressionLevel.NoCompression, [("archive/data.pkl", pickle), .. storages.Select(storage => ($"archive/data/{storage.Key}", storage.Data)), ("archive/version", "3\n"u8.ToArray())]);

    /// <summary>The same in the format of PyTorch before 1.6.</summary>
    public static byte[] Legacy(byte[] pickle, params (string Key, int Count, byte[] Data)[] storages)
    {
        var keys = new PickleBytes().Op(']').Op('(');
        foreach (var (key, _, _) in storages)
            keys.Text(key);
        return
        [
            .. new PickleBytes().Op(0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19).End(),
            .. new PickleBytes().Op('M', 0xe9, 0x03).End(),
            .. new PickleBytes().Op('}').Op('(').Text("little_endian").Op(0x88).Op('u').End(),
            .. pickle,
            .. keys.Op('e').End(),
            .. storages.SelectMany(storage => (byte[])[.. BitConverter.GetBytes((long)storage.Count), .. storage.Data]),
        ];
    }

    public static byte[] Zip(CompressionLevel level, params (string Name, byte[] Data)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, data) in entries)
            {
                using var entry = zip.CreateEntry(name, level).Open();
                entry.Write(data);
            }
        }

        return stream.ToArray();
    }

    public static byte[] Floats(params float[] numbers) => [.. numbers.SelectMany(BitConverter.GetBytes)];

    private static byte[] Int(int number)
    {
        var four = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(four, number);
        return four;
    }
}
