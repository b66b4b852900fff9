using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Parquet.Serialization;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>
/// A WebDataset: <c>00000.tar</c> with a record for each pair (<c>.source.png</c>, <c>.edited.png</c>, <c>.txt</c>, <c>.json</c>), and <c>00000.parquet</c> with a row for each.
/// </summary>
internal sealed class TarLayout : ShardLayout
{
    private const string Extension = ".tar";

    // Two blocks of zeros.
    private const int EndBytes = 1024;

    /// <inheritdoc/>
    public override string Name => "tar";

    /// <summary>The edited images of a complete shard, encoded, each with the number of its item.</summary>
    public static IEnumerable<(int Item, byte[] Edited)> Edits(ShardPaths shard) =>
        TarFile.Read(Path.Combine(shard.Folder, shard.Name + Extension))
            .Where(member => member.Name.Contains(".edited.", StringComparison.Ordinal))
            .Select(member => (int.Parse(member.Name.Split('-')[0], CultureInfo.InvariantCulture), member.Content));

    /// <inheritdoc/>
    protected override bool WritesUnfinishedOnly => true;

    /// <inheritdoc/>
    protected override IEnumerable<string> Write(ShardPaths shard, IReadOnlyList<string> items)
    {
        var rows = new List<PairRow>();
        var (tarName, parquetName) = (shard.Name + Extension, $"{shard.Name}.parquet");
        AtomicFile.Write(Path.Combine(shard.Unfinished, tarName), stream =>
        {
            using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            {
                foreach (var pair in items.SelectMany(ItemFile.Pairs))
                {
                    var record = pair.Record;
                    tar.Add(record.SourceFile, pair.Source);
                    tar.Add(record.EditedFile, pair.Edited);
                    tar.Add(record.Key + ".txt", Encoding.UTF8.GetBytes(record.Edit ?? record.Target));
                    tar.Add(record.Key + ".json", Encoding.UTF8.GetBytes(BatchJson.Line(record)));
                    rows.Add(PairRow.Of(record));
                }
            }

            // The writer ends only a file that has members, and a file of 0 bytes is no tar file.
            if (rows.Count == 0)
                stream.Write(new byte[EndBytes]);
        });
        AtomicFile.Write(Path.Combine(shard.Unfinished, parquetName), stream =>
        {
            using var file = new MemoryStream();
            ParquetSerializer.SerializeAsync(rows, file).GetAwaiter().GetResult();
            stream.Write(file.GetBuffer().AsSpan(0, (int)file.Length));
        });
        return [tarName, parquetName];
    }
}
