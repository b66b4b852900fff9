using System.Globalization;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Pickles;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// PyTorch checkpoints (<c>.ckpt</c>, <c>.pt</c>, <c>.bin</c>): zip archives of a pickle and of the tensors' data, or files in the older format (see
/// <see cref="LegacyCheckpoint"/>). The pickle is read by <see cref="PickleReader"/>, which executes nothing; the data stays in the file until it is needed.
/// </summary>
internal static class TorchCheckpoint
{
    private const string PickleName = "data.pkl";
    private const long MaxPickleLength = 64 << 20;

    // Keys that contain the tensors if they are not at the top level: of models, and of learned words.
    private static readonly string[] Nested = ["state_dict", "string_to_param"];

    /// <summary>Whether a file starts like a PyTorch checkpoint, new or old.</summary>
    public static bool IsOne(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            var start = new byte[4];
            var length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            // A safetensors file starts with the length of its header, whose fourth and later bytes are 0 in practice.
            return length == start.Length && (start.AsSpan().SequenceEqual("PK\u0003\u0004"u8) || LegacyCheckpoint.StartsLike(start));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // Opening the file again reports the reason in the same way as for other files.
            return false;
        }
    }

    /// <summary>Opens a checkpoint.</summary>
    /// <exception cref="InvalidInputException">The file is damaged, or its pickle uses something that checkpoints do not need.</exception>
    public static StoredTensors Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            if (LegacyCheckpoint.IsOne(file))
                return Stored(LegacyCheckpoint.Read(path, file));
            var entries = StoredZip.Read(path, file).Entries;
            var folder = FolderOf(path, entries);
            var pickle = entries[folder + PickleName];
            if (pickle.Length > MaxPickleLength)
                throw new InvalidInputException($"{path} is not a readable checkpoint: its pickle has {pickle.Length} bytes, more than any checkpoint needs.");
            RequireLittleEndian(path, file, entries, folder);
            var root = PickleReader.Read(path, file.Span(pickle.Offset, (int)pickle.Length), key =>
                entries.TryGetValue($"{folder}data/{key}", out var entry) ? entry : null);
            return Stored(root);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        StoredTensors Stored(object? root) => new(path, [path], Tensors(path, file, root), Notes(root), [file]);
    }

    /// <summary>The archive's single top-level directory, with its slash; its name is that of the originally saved file.</summary>
    private static string FolderOf(string path, IReadOnlyDictionary<string, ZipEntry> entries)
    {
        var pickles = entries.Keys.Where(name => name == PickleName || name.EndsWith("/" + PickleName, StringComparison.Ordinal)).ToList();
        return pickles is [var pickle] ? pickle[..^PickleName.Length]
            : throw new InvalidInputException(
                $"{path} is a zip archive, but not a checkpoint of PyTorch: it has {pickles.Count} entries named {PickleName} instead of one. If it contains a model, unpack it and use the file inside.");
    }

    private static void RequireLittleEndian(string path, MappedFile file, IReadOnlyDictionary<string, ZipEntry> entries, string folder)
    {
        if (entries.TryGetValue($"{folder}byteorder", out var order) && (order.Length != 6 || !file.Span(order.Offset, 6).SequenceEqual("little"u8)))
            throw new InvalidInputException($"{path} was saved on a machine with another byte order, which is not supported. Get the model as .safetensors.");
    }

    private static Dictionary<string, StoredWeight> Tensors(string path, MappedFile file, object? root)
    {
        var state = root as PickleDictionary;
        state = Nested.Select(name => state?[name] as PickleDictionary).FirstOrDefault(inner => inner is not null) ?? state;
        var tensors = new Dictionary<string, StoredWeight>(StringComparer.Ordinal);
        foreach (var (key, value) in state?.Items ?? [])
        {
            if (key is string name && value is PickleTensor tensor)
                tensors[name] = new StoredWeight(tensor.Shape, () => Read(file, tensor)) { Type = tensor.Storage.Type };
        }

        return tensors.Count > 0 ? tensors : throw new InvalidInputException($"{path} contains no named tensors, neither at the top level nor under {string.Join(" or ", Nested)}. It is not a model.");
    }

    private static Dictionary<string, string> Notes(object? root) => (root as PickleDictionary)?["global_step"] is long steps
        ? new() { ["global_step"] = steps.ToString(CultureInfo.InvariantCulture) }
        : [];

    private static Tensor Read(MappedFile file, PickleTensor tensor)
    {
        var storage = tensor.Storage;
        using var scope = NewDisposeScope();
        var flat = file.Tensor(storage.Entry.Offset, storage.Count, storage.Type, storage.ElementSize);
        return flat.as_strided(tensor.Shape, tensor.Strides, tensor.Offset).contiguous().MoveToOuterDisposeScope();
    }
}
