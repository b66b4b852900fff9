using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Parquet.Serialization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>The copy of PIE-Bench on the Hugging Face Hub (UB-CVML-Group/PIE_Bench_pp): Parquet files in a folder for each type, <c>1_change_object_80</c> and so on.</summary>
internal static partial class PieBenchParquet
{
    /// <summary>Whether a folder contains Parquet files.</summary>
    public static bool IsOne(string folder) => Directory.Exists(folder) && Files(folder).Any();

    /// <summary>Reads the items and writes their images to a folder.</summary>
    /// <param name="folder">The folder with the folders of the types.</param>
    /// <param name="target">The folder for the images.</param>
    /// <exception cref="InvalidInputException">A folder is not named by its type, or a file has other columns.</exception>
    public static PieBenchData Extract(string folder, string target)
    {
        var data = new PieBenchData(target, []);
        return data with { Items = [.. Files(folder).SelectMany(path => Items(path, data)).OrderBy(item => item.Id, StringComparer.Ordinal)] };
    }

    private static IOrderedEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    private static IEnumerable<PieBenchItem> Items(string path, PieBenchData data)
    {
        var typeFolder = path.Split(Path.DirectorySeparatorChar).LastOrDefault(part => TypeFolder().IsMatch(part))
            ?? throw new InvalidInputException($"{path} is in no folder that is named by its type of edit, such as 1_change_object_80. Keep the folders of the data set.");
        foreach (var row in Rows(path))
        {
            var item = new PieBenchItem
            {
                Id = row.Id,
                ImagePath = $"{typeFolder}/{Path.GetFileNameWithoutExtension(row.Id)}{(Path.GetExtension(row.Image.Path) is { Length: > 0 } ending ? ending : ".jpg")}",
                SourcePrompt = PieBenchData.Plain(row.SourcePrompt),
                TargetPrompt = PieBenchData.Plain(row.TargetPrompt),
                Type = typeFolder[0] - '0',
                Blend = [.. Quoted().Matches(row.BlendedWords ?? "").Select(pair => pair.Groups["text"].Value.Split(',', 2, StringSplitOptions.TrimEntries)).Where(pair => pair.Length == 2).Select(pair => (pair[0], pair[1]))],
                MaskRuns = [.. row.Mask.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => int.TryParse(number, out var read) ? read
                    : throw new InvalidInputException($"{path}: the mask of {row.Id} contains \"{number}\" instead of a number."))],
            };
            if (!File.Exists(data.PathOf(item)))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(data.PathOf(item))!);
                AtomicFile.Write(data.PathOf(item), file => file.Write(row.Image.Bytes));
            }

            yield return item;
        }
    }

    private static IList<Row> Rows(string path)
    {
        try
        {
            return ParquetSerializer.DeserializeAsync<Row>(path).GetAwaiter().GetResult().Data;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or NotSupportedException or InvalidCastException or Parquet.ParquetException)
        {
            throw new InvalidInputException($"{path} is not a file of PIE-Bench: {e.Message}", e);
        }
    }

    [GeneratedRegex("^[0-9]_")]
    private static partial Regex TypeFolder();

    // A list as Python writes it.
    [GeneratedRegex("""(?<quote>['"])(?<text>.*?)\k<quote>""")]
    private static partial Regex Quoted();

    /// <summary>An item as a row.</summary>
    internal sealed class Row
    {
        [JsonPropertyName("image")]
        public Cell Image { get; set; } = new();

        [JsonPropertyName("id")]
        public string Id { get; set; } = "";

        [JsonPropertyName("source_prompt")]
        public string SourcePrompt { get; set; } = "";

        [JsonPropertyName("target_prompt")]
        public string TargetPrompt { get; set; } = "";

        [JsonPropertyName("blended_words")]
        public string? BlendedWords { get; set; }

        [JsonPropertyName("mask")]
        public string Mask { get; set; } = "";
    }

    /// <summary>An image in a row.</summary>
    internal sealed class Cell
    {
        [JsonPropertyName("bytes")]
        public byte[] Bytes { get; set; } = [];

        [JsonPropertyName("path")]
        public string? Path { get; set; }
    }
}
