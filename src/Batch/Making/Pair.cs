using System.Globalization;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Making;

/// <summary>A source and one of its edits.</summary>
/// <param name="Item">The item of the plan.</param>
/// <param name="Sample">The sample of the item.</param>
/// <param name="TargetNumber">Index of the target.</param>
internal sealed record Pair(PlanItem Item, SampleImages Sample, int TargetNumber)
{
    /// <summary>The pair's name in a data set: item, sample and target.</summary>
    public string Key { get; } = string.Create(CultureInfo.InvariantCulture, $"{Item.Index:D7}-{Sample.Number:D3}-{TargetNumber}");

    /// <summary>The target prompt.</summary>
    public string Target => Item.Targets[TargetNumber];

    /// <summary>The edit as an instruction; null if the plan has none.</summary>
    public string? Instruction => Item.Instructions.Count > 0 ? Item.Instructions[TargetNumber] : null;

    /// <summary>The source image.</summary>
    public Image Source => Sample.Source;

    /// <summary>The edited image.</summary>
    public Image Edited => Sample.Edits[TargetNumber];

    /// <summary>The measures of the filters, by name.</summary>
    public SortedDictionary<string, double> Scores { get; } = new(StringComparer.Ordinal);
}
