using System.Globalization;

namespace PromptToPrompt.Batch.Shards;

/// <summary>The files of a shard. Those under <c>unfinished</c> exist only until the shard is committed.</summary>
/// <param name="Folder">The folder of the data set.</param>
/// <param name="Number">Number of the shard, from 0.</param>
internal readonly record struct ShardPaths(string Folder, int Number)
{
    /// <summary>The shard's name.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Number:D5}");

    /// <summary>Its statistics: the file whose presence says that the shard is complete.</summary>
    public string Stats => Path.Combine(Folder, Name + ".json");

    /// <summary>The list of its failed items, if any failed.</summary>
    public string Failed => Path.Combine(Folder, Name + ".failed.jsonl");

    /// <summary>The folder of its finished items.</summary>
    public string Unfinished => Path.Combine(AllUnfinished(Folder), Name);

    /// <summary>The file that a process holds open while it works on the shard.</summary>
    public string Lock => Unfinished + ".lock";

    /// <summary>Whether the shard is complete.</summary>
    public bool IsCommitted => File.Exists(Stats);

    /// <summary>Whether a folder has a complete shard.</summary>
    public static bool AnyCommitted(string folder) => Directory.Exists(folder)
        && Directory.EnumerateFiles(folder, "*.json").Any(path => int.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && new ShardPaths(folder, number).Stats == path);

    /// <summary>The folder of all files that exist only until the data set is complete.</summary>
    public static string AllUnfinished(string folder) => Path.Combine(folder, "unfinished");

    /// <summary>The file of a finished item.</summary>
    public string OfItem(int index) => Path.Combine(Unfinished, string.Create(CultureInfo.InvariantCulture, $"{index:D7}.tar"));

    /// <summary>The file that says how often a process began an item and ended with it.</summary>
    public string OfStart(int index) => OfItem(index) + ".started";
}
