using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Files;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>Writes safetensors files.</summary>
internal static class SafetensorsWriter
{
    /// <summary>
    /// Writes tensors to a file, atomically. Equal content gives equal bytes: tensors are sorted by element size,
    /// largest first, which keeps all of them aligned, and then by name.
    /// </summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="tensors">The tensors, on any device and with any strides; copied one at a time to limit memory.</param>
    /// <param name="metadata">Metadata, such as <c>format: pt</c>.</param>
    /// <exception cref="ArgumentException">A name is duplicated or reserved, or the format does not support a type.</exception>
    /// <exception cref="InvalidInputException">The file cannot be created.</exception>
    public static void Write(
        string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
        => WritePending(path, tensors.Select(tensor => new PendingTensor(tensor.Key, tensor.Value.dtype, tensor.Value.shape, tensor.Value.alias)), metadata);

    /// <summary>Writes tensors that are created on demand: each is created in turn and freed after writing.</summary>
    /// <inheritdoc cref="Write"/>
    internal static void WritePending(string path, IEnumerable<PendingTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        PendingTensor[] ordered =
        [
            .. tensors.OrderByDescending(tensor => SafetensorsTypes.Size(tensor.Type)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal),
        ];
        var header = Header(ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var tensor in ordered)
            {
                using var scope = NewDisposeScope();
                TensorMemory.CopyTo(tensor.Make().detach().cpu().contiguous(), stream);
            }
        });
    }

    /// <summary>The length field and the JSON, padded with spaces so that the data starts at a multiple of 8.</summary>
    private static byte[] Header(PendingTensor[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(stackalloc byte[SafetensorsHeader.PrefixLength]); // placeholder for the length
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is not null)
                WriteMetadata(json, metadata);
            var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataName };
            long begin = 0;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException($"The tensor name \"{tensor.Name}\" is duplicated or reserved.", nameof(tensors));
                begin += WriteEntry(json, tensor, begin);
            }
            json.WriteEndObject();
        }
        var padding = -buffer.WrittenCount & 7;
        buffer.Write("        "u8[..padding]);
        var header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - SafetensorsHeader.PrefixLength);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafetensorsHeader.MetadataName);
        foreach ((var key, var value) in metadata.OrderBy(note => note.Key, StringComparer.Ordinal))
            json.WriteString(key, value);
        json.WriteEndObject();
    }

    /// <summary>Writes a tensor's entry and returns its length in bytes.</summary>
    private static long WriteEntry(Utf8JsonWriter json, PendingTensor tensor, long begin)
    {
        var type = SafetensorsTypes.Name(tensor.Type)
            ?? throw new ArgumentException($"The tensor \"{tensor.Name}\" has the type {tensor.Type}; the format supports {SafetensorsTypes.Names}.", nameof(tensor));
        var length = tensor.Shape.Aggregate(1L, (product, size) => product * size) * SafetensorsTypes.Size(tensor.Type);
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", type);
        json.WriteStartArray("shape");
        foreach (var dimension in tensor.Shape)
            json.WriteNumberValue(dimension);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(begin + length);
        json.WriteEndArray();
        json.WriteEndObject();
        return length;
    }
}

/// <summary>A tensor to write.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Make">Creates the tensor; called once, inside a dispose scope.</param>
internal sealed record PendingTensor(string Name, ScalarType Type, IReadOnlyList<long> Shape, Func<Tensor> Make);
