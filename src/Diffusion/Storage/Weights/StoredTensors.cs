using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>The tensors of one file, or of several files of one part, by name. Each is read on demand.</summary>
internal sealed class StoredTensors : IDisposable
{
    private const string Safetensors = ".safetensors";
    private readonly IReadOnlyList<IDisposable> owned;

    public StoredTensors(
        string origin, IReadOnlyList<string> files, IReadOnlyDictionary<string, StoredWeight> tensors,
        IReadOnlyDictionary<string, string> metadata, IReadOnlyList<IDisposable> owned)
    {
        Origin = origin;
        Files = files;
        Tensors = ScaledWeights.Apply(origin, tensors);
        Metadata = metadata;
        this.owned = owned;
    }

    /// <summary>The name in errors: the file, or the index of the files.</summary>
    public string Origin { get; }

    /// <summary>All opened files.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The tensors; those already read stay valid after this object is disposed.</summary>
    public IReadOnlyDictionary<string, StoredWeight> Tensors { get; }

    /// <summary>The file's metadata; empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>
    /// Opens a safetensors file, a PyTorch checkpoint or an index of shards. Files are distinguished by content, an index by its name.
    /// </summary>
    /// <exception cref="InvalidInputException">The file is none of these, or is damaged.</exception>
    public static StoredTensors Open(string path)
    {
        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            return OpenShards(path);
        if (TorchCheckpoint.IsOne(path))
            return TorchCheckpoint.Open(path);
        var file = SafetensorsFile.Open(path);
        return new StoredTensors(path, [path], Weights(file), file.Metadata, [file]);
    }

    /// <summary>Closes the files. Tensors already read stay valid.</summary>
    public void Dispose()
    {
        foreach (var file in owned)
            file.Dispose();
    }

    private static StoredTensors OpenShards(string index)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(index))!;
        var map = JsonConfig.Read(index).Texts("weight_map");
        var tensors = new Dictionary<string, StoredWeight>(StringComparer.Ordinal);
        var files = new List<string> { index };
        var owned = new List<SafetensorsFile>();
        try
        {
            foreach (var shard in map.GroupBy(entry => entry.Value, entry => entry.Key, StringComparer.Ordinal))
            {
                var file = OpenShard(index, folder, shard.Key);
                owned.Add(file);
                files.Add(file.Path);
                foreach (var name in shard.Where(name => !file.Tensors.ContainsKey(name)))
                    throw Invalid(index, $"the tensor \"{name}\" should be in {shard.Key}, which does not contain it");
                foreach (var (name, weight) in Weights(file))
                {
                    if (!tensors.TryAdd(name, weight))
                        throw Invalid(index, $"the tensor \"{name}\" is in {shard.Key} and also in another file");
                }
            }

            return new StoredTensors(index, files, tensors, new Dictionary<string, string>(), owned);
        }
        catch
        {
            owned.ForEach(file => file.Dispose());
            throw;
        }
    }

    private static SafetensorsFile OpenShard(string index, string folder, string name)
    {
        // The index is untrusted input: it may name only files in its own directory.
        if (Path.GetFileName(name) != name || !name.EndsWith(Safetensors, StringComparison.Ordinal))
            throw Invalid(index, $"it names \"{name}\", which is not a safetensors file in the same directory");
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? SafetensorsFile.Open(path) : throw Invalid(index, $"its file {name} is missing");
    }

    private static Dictionary<string, StoredWeight> Weights(SafetensorsFile file) => file.Tensors.ToDictionary(
        entry => entry.Key,
        entry => new StoredWeight(entry.Value.Shape, () => file.Read(entry.Key)) { Type = entry.Value.DType, Packing = entry.Value.Packing },
        StringComparer.Ordinal);

    private static InvalidInputException Invalid(string index, string what) => new($"{index}: {what}; download the model again.");
}
