using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>
/// The layout of InstructPix2Pix's data (Brooks et al., arXiv 2211.09800), which its training reads: a folder for each source and target with <c>prompt.json</c>,
/// <c>SEED_0.jpg</c> (the source), <c>SEED_1.jpg</c> (the edit) and <c>metadata.jsonl</c>; and <c>seeds.json</c>, the list of folders and seeds.
/// </summary>
internal sealed class FolderLayout : ShardLayout
{
    private const string Metadata = "metadata.jsonl";
    private const string Seeds = "seeds.json";

    /// <inheritdoc/>
    public override string Name => "folders";

    /// <inheritdoc/>
    public override void Finish(string folder)
    {
        var seeds = new JsonArray(
        [
            .. from pairs in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
               let metadata = Path.Combine(pairs, Metadata)
               where File.Exists(metadata)
               select (JsonNode)new JsonArray(Path.GetFileName(pairs), new JsonArray([.. File.ReadLines(metadata).Select(line => (JsonNode)$"{JsonNode.Parse(line)!["seed"]}")])),
        ]);
        AtomicFile.WriteText(Path.Combine(folder, Seeds), BatchJson.Line<JsonNode>(seeds) + "\n");
    }

    /// <inheritdoc/>
    protected override bool WritesUnfinishedOnly => false;

    /// <inheritdoc/>
    protected override IEnumerable<string> Write(ShardPaths shard, IReadOnlyList<string> items)
    {
        DeleteEarlier(shard, items);
        foreach (var item in items)
        {
            // An item of many samples is larger than memory should be: its pairs are read for each of its targets.
            foreach (var target in ItemFile.Pairs(item).Select(pair => (pair.Record.TargetNumber, pair.Record.Targets)).Distinct().ToList())
                WriteFolder(shard, item, target.TargetNumber, target.Targets);
        }

        return [];
    }

    // A shard that is made again, or whose process was killed before it was complete, may keep other pairs.
    private static void DeleteEarlier(ShardPaths shard, IReadOnlyList<string> items)
    {
        var numbers = items.Select(Path.GetFileNameWithoutExtension).ToHashSet();
        foreach (var earlier in Directory.EnumerateDirectories(shard.Folder).Where(folder => numbers.Contains(Path.GetFileName(folder).Split('-')[0])).ToList())
            Directory.Delete(earlier, recursive: true);
    }

    private static void WriteFolder(ShardPaths shard, string item, int target, int targets)
    {
        var number = Path.GetFileNameWithoutExtension(item);
        var name = targets == 1 ? number : string.Create(CultureInfo.InvariantCulture, $"{number}-{target}");
        var unfinished = Path.Combine(shard.Unfinished, name);
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        Directory.CreateDirectory(unfinished);
        var metadata = new StringBuilder();
        foreach (var pair in ItemFile.Pairs(item).Where(pair => pair.Record.TargetNumber == target))
        {
            var record = pair.Record;
            if (metadata.Length == 0)
                AtomicFile.WriteText(Path.Combine(unfinished, "prompt.json"), BatchJson.Line(new { Input = record.Source, Edit = record.Edit ?? record.Target, Output = record.Target }));
            var extension = Path.GetExtension(record.SourceFile);
            AtomicFile.Write(Path.Combine(unfinished, $"{record.Seed}_0{extension}"), stream => stream.Write(pair.Source));
            AtomicFile.Write(Path.Combine(unfinished, $"{record.Seed}_1{extension}"), stream => stream.Write(pair.Edited));
            metadata.Append(BatchJson.Line(Describe(record))).Append('\n');
        }

        AtomicFile.WriteText(Path.Combine(unfinished, Metadata), metadata.ToString());
        var complete = Path.Combine(shard.Folder, name);
        Directory.Move(unfinished, complete);
    }

    // The first fields are those of the published data, under their names.
    private static JsonObject Describe(PairRecord pair)
    {
        var fields = new JsonObject
        {
            ["seed"] = pair.Seed,
            ["p2p_threshold"] = pair.Settings["self"]?.DeepClone(),
            ["cfg_scale"] = pair.Settings["guidance"]?.DeepClone(),
        };
        foreach (var (name, score) in new[] { ("clip_sim_0", "clip_text_source"), ("clip_sim_1", "clip_text_target"), ("clip_sim_dir", "clip_direction"), ("clip_sim_image", "clip_image") })
        {
            if (pair.Scores.TryGetValue(score, out var value))
                fields[name] = value;
        }

        fields["settings"] = pair.Settings.DeepClone();
        fields["scores"] = new JsonObject(pair.Scores.Select(score => KeyValuePair.Create(score.Key, (JsonNode?)score.Value)));
        fields["fingerprint"] = pair.Fingerprint;
        return fields;
    }
}
