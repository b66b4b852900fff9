using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>Writes the weights of a part in float16: one file, or several with an index as diffusers writes them, if they are large.</summary>
internal static class ExportedWeights
{
    /// <summary>Maximum size of a file's tensors in bytes, below 16 MB with the header: larger files are unwieldy in a repository.</summary>
    public const long MaxBytes = 15_900_000;

    private const string Extension = ".safetensors", New = ".new";

    /// <summary>
    /// Writes the files in place of those of earlier weights. The earlier ones stay until all new files are written, and files of both are never one model: while they
    /// are renamed there is no index.
    /// </summary>
    /// <param name="folder">The part's directory; created if it does not exist.</param>
    /// <param name="name">Name of the file if there is only one.</param>
    /// <param name="weights">The weights in any type and on any device.</param>
    /// <param name="maxBytes">Maximum size of a file's tensors in bytes.</param>
    public static void Write(string folder, string name, IEnumerable<KeyValuePair<string, Tensor>> weights, long maxBytes = MaxBytes)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder);
        var halves = weights.Select(w => KeyValuePair.Create(w.Key, w.Value.to(ScalarType.Float16))).ToList();
        var shards = Shards(halves, maxBytes);
        var indexFile = Path.Combine(folder, $"{name}.index.json");
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(folder, name), halves);
            File.Delete(indexFile);
            DeleteShards(folder, name, except: []);
            return;
        }

        var map = new JsonObject();
        var files = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (shard, i) in shards.Select((shard, i) => (shard, i)))
        {
            var file = string.Create(CultureInfo.InvariantCulture, $"{name[..^Extension.Length]}-{i + 1:D5}-of-{shards.Count:D5}{Extension}");
            files.Add(file);
            try
            {
                SafetensorsWriter.Write(Path.Combine(folder, file + New), shard, new Dictionary<string, string> { ["format"] = "pt" });
            }
            catch
            {
                // Those that are written would take space for nothing.
                foreach (var written in files.Select(written => Path.Combine(folder, written + New)).Where(File.Exists))
                    File.Delete(written);
                throw;
            }

            foreach (var (tensor, _) in shard)
                map[tensor] = file;
        }

        var index = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = halves.Sum(half => Bytes(half.Value)) },
            ["weight_map"] = map,
        };
        File.Delete(indexFile);
        foreach (var file in files)
            File.Move(Path.Combine(folder, file + New), Path.Combine(folder, file), overwrite: true);
        AtomicFile.WriteText(indexFile, index.ToJsonString(new() { WriteIndented = true }) + "\n");
        File.Delete(Path.Combine(folder, name));
        DeleteShards(folder, name, files);
    }

    private static void DeleteShards(string folder, string name, HashSet<string> except)
    {
        foreach (var file in Directory.GetFiles(folder, $"{name[..^Extension.Length]}-*-of-*{Extension}").Where(file => !except.Contains(Path.GetFileName(file))))
            File.Delete(file);
    }

    private static List<List<KeyValuePair<string, Tensor>>> Shards(List<KeyValuePair<string, Tensor>> weights, long maxBytes)
    {
        List<List<KeyValuePair<string, Tensor>>> shards = [[]];
        var size = 0L;
        foreach (var weight in weights)
        {
            var bytes = Bytes(weight.Value);
            if (size + bytes > maxBytes && shards[^1].Count > 0)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(weight);
            size += bytes;
        }

        return shards;
    }

    private static long Bytes(Tensor tensor) => tensor.numel() * sizeof(short);
}
