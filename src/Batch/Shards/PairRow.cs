using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace PromptToPrompt.Batch.Shards;

/// <summary>A pair as a row of a Parquet file.</summary>
internal sealed class PairRow
{
    [JsonPropertyName("key")]
    public string Key { get; set; } = "";

    [JsonPropertyName("item")]
    public int Item { get; set; }

    [JsonPropertyName("id")]
    public string? Id { get; set; }

    [JsonPropertyName("sample")]
    public int Sample { get; set; }

    [JsonPropertyName("target_number")]
    public int TargetNumber { get; set; }

    [JsonPropertyName("source")]
    public string Source { get; set; } = "";

    [JsonPropertyName("target")]
    public string Target { get; set; } = "";

    [JsonPropertyName("edit")]
    public string? Edit { get; set; }

    [JsonPropertyName("image")]
    public string? Image { get; set; }

    [JsonPropertyName("seed")]
    public ulong Seed { get; set; }

    [JsonPropertyName("steps")]
    public int Steps { get; set; }

    [JsonPropertyName("guidance")]
    public double? Guidance { get; set; }

    [JsonPropertyName("cross")]
    public double? Cross { get; set; }

    [JsonPropertyName("self")]
    public double? Self { get; set; }

    [JsonPropertyName("settings")]
    public string Settings { get; set; } = "";

    [JsonPropertyName("clip_image")]
    public double? ClipImage { get; set; }

    [JsonPropertyName("clip_text_source")]
    public double? ClipTextSource { get; set; }

    [JsonPropertyName("clip_text_target")]
    public double? ClipTextTarget { get; set; }

    [JsonPropertyName("clip_direction")]
    public double? ClipDirection { get; set; }

    [JsonPropertyName("structure")]
    public double? Structure { get; set; }

    [JsonPropertyName("psnr")]
    public double? Psnr { get; set; }

    [JsonPropertyName("mse")]
    public double? Mse { get; set; }

    [JsonPropertyName("ssim")]
    public double? Ssim { get; set; }

    [JsonPropertyName("score")]
    public double? Score { get; set; }

    [JsonPropertyName("width")]
    public int Width { get; set; }

    [JsonPropertyName("height")]
    public int Height { get; set; }

    [JsonPropertyName("source_file")]
    public string SourceFile { get; set; } = "";

    [JsonPropertyName("edited_file")]
    public string EditedFile { get; set; } = "";

    [JsonPropertyName("model")]
    public string Model { get; set; } = "";

    [JsonPropertyName("fingerprint")]
    public string Fingerprint { get; set; } = "";

    public static PairRow Of(PairRecord pair) => new()
    {
        Key = pair.Key,
        Item = pair.Item,
        Id = pair.Id,
        Sample = pair.Sample,
        TargetNumber = pair.TargetNumber,
        Source = pair.Source,
        Target = pair.Target,
        Edit = pair.Edit,
        Image = pair.Image,
        Seed = pair.Seed,
        Steps = (int)pair.Settings["steps"]!,
        Guidance = (double?)pair.Settings["guidance"],
        Cross = (double?)pair.Settings["cross"],
        Self = (double?)pair.Settings["self"],
        Settings = BatchJson.Line<JsonNode>(pair.Settings),
        ClipImage = ScoreOf(pair, "clip_image"),
        ClipTextSource = ScoreOf(pair, "clip_text_source"),
        ClipTextTarget = ScoreOf(pair, "clip_text_target"),
        ClipDirection = ScoreOf(pair, "clip_direction"),
        Structure = ScoreOf(pair, "structure"),
        Psnr = ScoreOf(pair, "psnr"),
        Mse = ScoreOf(pair, "mse"),
        Ssim = ScoreOf(pair, "ssim"),
        Score = ScoreOf(pair, "score"),
        Width = pair.Width,
        Height = pair.Height,
        SourceFile = pair.SourceFile,
        EditedFile = pair.EditedFile,
        Model = pair.Model,
        Fingerprint = pair.Fingerprint,
    };

    private static double? ScoreOf(PairRecord pair, string name) => pair.Scores.TryGetValue(name, out var score) ? score : null;
}
