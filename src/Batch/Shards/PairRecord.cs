using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Batch.Making;

namespace PromptToPrompt.Batch.Shards;

/// <summary>The description of a pair in a data set.</summary>
internal sealed record PairRecord
{
    /// <summary>Name of the pair: item, sample and target.</summary>
    public required string Key { get; init; }

    /// <summary>Number of the item in the plan, from 0.</summary>
    public required int Item { get; init; }

    /// <summary>The plan's own name of the item.</summary>
    public string? Id { get; init; }

    /// <summary>Number of the sample, from 0.</summary>
    public required int Sample { get; init; }

    /// <summary>Number of the target, from 0.</summary>
    public required int TargetNumber { get; init; }

    /// <summary>Number of the item's targets.</summary>
    public required int Targets { get; init; }

    /// <summary>The source prompt.</summary>
    public required string Source { get; init; }

    /// <summary>The target prompt.</summary>
    public required string Target { get; init; }

    /// <summary>The edit as an instruction.</summary>
    public string? Edit { get; init; }

    /// <summary>The given image, as the plan names it.</summary>
    public string? Image { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The settings, with the numbers that were drawn.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>The measures of the filters.</summary>
    public required SortedDictionary<string, double> Scores { get; init; }

    /// <summary>Width of the edited image in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the edited image in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Name of the source image's file.</summary>
    public required string SourceFile { get; init; }

    /// <summary>Name of the edited image's file.</summary>
    public required string EditedFile { get; init; }

    /// <summary>Fingerprint of the model.</summary>
    public required string Model { get; init; }

    /// <summary>The types of the weights and of the computation.</summary>
    public required string Dtype { get; init; }

    /// <summary>
    /// Hash of the prompts and of all that decides the images: the given image, the seed if it is used, the settings that differ from their defaults, the model, the data
    /// type and the tiling of the autoencoder. Pairs with the same one are equal, up to the rounding of different machines.
    /// </summary>
    public required string Fingerprint { get; init; }

    /// <summary>Describes a pair.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="format">Format of its images.</param>
    /// <param name="model">Fingerprint of the model.</param>
    /// <param name="dtype">The types of the weights and of the computation.</param>
    /// <param name="tilesImages">Whether the autoencoder works in tiles.</param>
    public static PairRecord Of(Pair pair, ImageFormat format, string model, string dtype, bool tilesImages = false)
    {
        var (item, sample) = (pair.Item, pair.Sample);
        var record = new PairRecord
        {
            Key = pair.Key,
            Item = item.Index,
            Id = item.Id,
            Sample = sample.Number,
            TargetNumber = pair.TargetNumber,
            Targets = item.Targets.Count,
            Source = item.Source,
            Target = pair.Target,
            Edit = pair.Instruction,
            Image = item.Image,
            Seed = sample.Seed,
            Settings = sample.Values.ToJson(),
            Scores = pair.Scores,
            Width = pair.Edited.Width,
            Height = pair.Edited.Height,
            SourceFile = $"{pair.Key}.source.{format.Extension}",
            EditedFile = $"{pair.Key}.edited.{format.Extension}",
            Model = model,
            Dtype = dtype,
            Fingerprint = "",
        };
        var isGiven = item.Image is not null;
        var given = isGiven ? Convert.ToHexStringLower(SHA256.HashData(pair.Source.Rgb)) : null;
        ulong? seed = isGiven && !sample.Values.ToSettings().Inversion.UsesSeed ? null : record.Seed;
        var settings = sample.Values.Canonical(isGiven);
        object?[] decides = [record.Source, record.Target, given, seed, settings.Changed.ToJson(), model, dtype, .. tilesImages ? (string[])[RunManifest.VaeTiling] : []];
        return record with { Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(BatchJson.Line(decides)))) };
    }
}
