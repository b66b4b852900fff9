using System.Formats.Tar;
using System.Text;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>How an item went.</summary>
/// <param name="Item">Number of the item.</param>
/// <param name="Line">Its line in the plan.</param>
/// <param name="Id">Its name in the plan.</param>
/// <param name="Made">Number of pairs that were made.</param>
/// <param name="Kept">Number of pairs that are kept.</param>
/// <param name="Error">Why it failed; null if it did not.</param>
/// <param name="Image">SHA-256 of the image that it was made from; null if it has none or failed.</param>
internal sealed record ItemSummary(int Item, int Line, string? Id, int Made, int Kept, string? Error = null, string? Image = null);

/// <summary>A pair as it is stored.</summary>
/// <param name="Record">Its description.</param>
/// <param name="Source">The encoded source image.</param>
/// <param name="Edited">The encoded edited image.</param>
internal sealed record StoredPair(PairRecord Record, byte[] Source, byte[] Edited);

/// <summary>A finished item of a shard that is not yet complete: one tar file, so that one rename completes it.</summary>
internal static class ItemFile
{
    private const string SummaryName = "item.json";

    /// <summary>Writes an item.</summary>
    public static void Write(string path, ItemSummary summary, IReadOnlyList<StoredPair> pairs) => AtomicFile.Write(path, stream =>
    {
        using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        tar.Add(SummaryName, Json(summary));
        foreach (var pair in pairs)
        {
            tar.Add(pair.Record.SourceFile, pair.Source);
            tar.Add(pair.Record.EditedFile, pair.Edited);
            tar.Add(pair.Record.Key + ".json", Json(pair.Record));
        }
    });

    /// <summary>How an item went.</summary>
    public static ItemSummary Summary(string path) => BatchJson.Read<ItemSummary>(TarFile.Read(path).First().Content);

    /// <summary>The pairs of an item, one at a time.</summary>
    public static IEnumerable<StoredPair> Pairs(string path)
    {
        using var members = TarFile.Read(path).Skip(1).GetEnumerator();
        while (members.MoveNext())
        {
            var source = members.Current.Content;
            members.MoveNext();
            var edited = members.Current.Content;
            members.MoveNext();
            yield return new(BatchJson.Read<PairRecord>(members.Current.Content), source, edited);
        }
    }

    private static byte[] Json<T>(T value) => Encoding.UTF8.GetBytes(BatchJson.Line(value));
}
