using System.Buffers.Binary;
using System.Text.Json;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// Reads and validates the header of a safetensors file: an 8-byte little-endian length, that many bytes of JSON, then the tensors' data
/// without gaps. Every violation of the format is rejected, so that valid files can be read without further checks.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Bytes of the header's length field.</summary>
    public const int PrefixLength = 8;

    /// <summary>The only name in the header that is not a tensor.</summary>
    public const string MetadataName = "__metadata__";

    /// <summary>The format's maximum JSON length in bytes; protects against damaged lengths.</summary>
    private const long MaximumLength = 100_000_000;

    /// <summary>The maximum that libtorch can iterate over.</summary>
    private const int MaximumDimensions = 64;

    private readonly string path;
    private readonly long dataStart;
    private readonly long dataLength;

    private SafetensorsHeader(string path, long dataStart, long fileLength) =>
        (this.path, this.dataStart, dataLength) = (path, dataStart, fileLength - dataStart);

    /// <summary>The tensors by name, in the order of the header.</summary>
    public Dictionary<string, SafetensorsEntry> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>The file's metadata, such as <c>format: pt</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Length of the JSON after the first 8 bytes of a file.</summary>
    /// <param name="path">The file's name in errors.</param>
    /// <param name="start">The first bytes of the file.</param>
    /// <param name="fileLength">Length of the file.</param>
    /// <exception cref="InvalidInputException">The length exceeds the file or the format's limit; the message identifies the file type if
    /// possible.</exception>
    public static int JsonLength(string path, ReadOnlySpan<byte> start, long fileLength)
    {
        var length = fileLength < PrefixLength ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(start);
        var fits = fileLength >= PrefixLength && length <= Math.Min((ulong)(fileLength - PrefixLength), MaximumLength);
        if (fits && length > 0)
            return (int)length;
        if (FileSignature.Of(start) is { } other)
            throw new InvalidInputException($"{path} is {other.Description}, not a safetensors file; {other.Advice}.");
        if (fits)
            return 0;
        if (fileLength < PrefixLength)
            throw Invalid(path, $"it has only {fileLength} bytes; download it again");
        throw Invalid(path, length is > 0 and <= MaximumLength
            ? $"its header alone has {length} bytes, the file only {fileLength}; it is truncated, so download it again"
            : $"its header claims {length} bytes, the file has {fileLength}; it is damaged or of another format");
    }

    /// <summary>Parses and validates the JSON of a header.</summary>
    /// <exception cref="InvalidInputException">The header violates the format.</exception>
    public static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> json, long fileLength)
    {
        var header = new SafetensorsHeader(path, PrefixLength + json.Length, fileLength);
        try
        {
            if (!json.StartsWith("{"u8))
                throw Invalid(path, "its header is not a JSON object");
            using var document = JsonDocument.Parse(json.ToArray());
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataName)
                    header.AddMetadata(property.Value);
                else
                    header.AddTensor(property.Name, property.Value);
            }
        }
        // The JSON reader throws InvalidOperationException for text that is not UTF-8.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidInputException($"{path} is not a valid safetensors file: its header is not valid JSON ({OneLine(e.Message)}).", e);
        }
        header.CheckLayout();
        return header;
    }

    private void AddMetadata(JsonElement notes)
    {
        if (notes.ValueKind != JsonValueKind.Object || Metadata.Count > 0)
            throw Invalid(path, $"its header contains {MetadataName} twice or not as an object");
        foreach (var note in notes.EnumerateObject())
        {
            if (note.Value.ValueKind != JsonValueKind.String || !Metadata.TryAdd(note.Name, note.Value.GetString()!))
                throw Invalid(path, $"the entry {Quote(note.Name)} in {MetadataName} is not a string or occurs twice");
        }
    }

    private void AddTensor(string name, JsonElement value)
    {
        JsonElement? type = null, shape = null, offsets = null;
        if (value.ValueKind != JsonValueKind.Object)
            throw InvalidTensor(name, "is not described by an object");
        foreach (var field in value.EnumerateObject())
        {
            ref var target = ref type;
            switch (field.Name)
            {
                case "dtype":
                    break;
                case "shape":
                    target = ref shape;
                    break;
                case "data_offsets":
                    target = ref offsets;
                    break;
                default:
                    throw InvalidTensor(name, $"has the unknown field {Quote(field.Name)}");
            }
            if (target is not null)
                throw InvalidTensor(name, $"has the field {field.Name} twice");
            target = field.Value;
        }

        var typeName = type is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        if (SafetensorsTypes.Parse(typeName) is not { } elements)
            throw InvalidTensor(name, $"has the type {Quote(typeName ?? "(none)")}; supported types are {SafetensorsTypes.Names}");
        var dimensions = Numbers(name, "shape", shape, MaximumDimensions);
        var bounds = Numbers(name, "data_offsets", offsets, 2);
        if (bounds.Length != 2)
            throw InvalidTensor(name, "needs two data_offsets");
        (var begin, var end) = (bounds[0], bounds[1]);
        if (begin > end)
            throw InvalidTensor(name, $"ends at byte {end}, before its start at {begin}");
        if (end > dataLength)
            throw InvalidTensor(name, $"ends at byte {end} of the data, but the file has only {dataLength}; it is truncated or damaged, so download it again");
        if (ByteLength(dimensions, elements.Size) is not { } length)
            throw InvalidTensor(name, $"has the impossible shape [{string.Join(", ", dimensions)}]");
        if (length != end - begin)
            throw InvalidTensor(name, $"has {end - begin} bytes; its shape [{string.Join(", ", dimensions)}] and type {typeName} need {length}");
        if (!Tensors.TryAdd(name, new SafetensorsEntry(elements.Type, dimensions, dataStart + begin, length) { Packing = elements.Packing }))
            throw InvalidTensor(name, "occurs twice");
    }

    private long[] Numbers(string name, string field, JsonElement? value, int maximum)
    {
        if (value is not { ValueKind: JsonValueKind.Array } array || array.GetArrayLength() > maximum)
            throw InvalidTensor(name, $"needs the field {field} as a list of at most {maximum} numbers");
        var numbers = new long[array.GetArrayLength()];
        for (var i = 0; i < numbers.Length; i++)
        {
            if (array[i].ValueKind != JsonValueKind.Number || !array[i].TryGetInt64(out numbers[i]) || numbers[i] < 0)
                throw InvalidTensor(name, $"has a value that is not a non-negative integer in {field}");
        }
        return numbers;
    }

    /// <summary>
    /// The size of a tensor in bytes; null if it is too large. Dimensions of 0 count as 1 at first, because the strides must fit, too.
    /// </summary>
    private static long? ByteLength(long[] shape, int elementSize)
    {
        Int128 length = elementSize;
        foreach (var dimension in shape)
        {
            length *= Math.Max(dimension, 1);
            if (length > long.MaxValue)
                return null;
        }
        return shape.Contains(0) ? 0 : (long)length;
    }

    /// <summary>Requires that tensors cover the data completely: a gap can hide data, and an overlap would alias two tensors.</summary>
    private void CheckLayout()
    {
        var covered = dataStart;
        foreach ((var name, var entry) in Tensors.OrderBy(tensor => tensor.Value.Offset).ThenBy(tensor => tensor.Value.Length))
        {
            if (entry.Offset < covered)
                throw InvalidTensor(name, $"overlaps the tensor before it by {covered - entry.Offset} bytes");
            if (entry.Offset > covered)
                throw InvalidTensor(name, $"leaves a gap of {entry.Offset - covered} bytes before it");
            covered += entry.Length;
        }
        var rest = dataStart + dataLength - covered;
        if (rest > 0)
            throw Invalid(path, $"its last {rest} bytes belong to no tensor");
    }

    private static InvalidInputException Invalid(string path, string reason) => new($"{path} is not a valid safetensors file: {reason}.");

    private InvalidInputException InvalidTensor(string name, string reason) => Invalid(path, $"the tensor {Quote(name)} {reason}");

    private static string Quote(string name) => $"\"{OneLine(name)}\"";

    /// <summary>Formats a name from the file for messages: replaces control characters and limits the length.</summary>
    private static string OneLine(string text)
    {
        const int Shown = 100;
        var line = string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
        return line.Length <= Shown ? line : line[..Shown] + "…";
    }
}
