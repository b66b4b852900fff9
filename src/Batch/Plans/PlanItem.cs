using PromptToPrompt.Batch.Settings;

namespace PromptToPrompt.Batch.Plans;

/// <summary>One line of a plan: a source and its edits.</summary>
internal sealed record PlanItem
{
    /// <summary>Number of the item in the plan, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>Line of the file, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>The plan's own name of the item; null without one.</summary>
    public string? Id { get; init; }

    /// <summary>The source prompt.</summary>
    public required string Source { get; init; }

    /// <summary>The target prompts, at least one.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>The edit of each target as an instruction; empty if the plan has none.</summary>
    public IReadOnlyList<string> Instructions { get; init; } = [];

    /// <summary>The image that is the source, as the plan names it; null to make the source from noise.</summary>
    public string? Image { get; init; }

    /// <summary>Full path of <see cref="Image"/>.</summary>
    public string? ImagePath { get; init; }

    /// <summary>Seed of the first sample; later samples count up from it. Null to draw all.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Number of samples; null for the run's.</summary>
    public int? Samples { get; init; }

    /// <summary>The item's own settings.</summary>
    public SettingValues Settings { get; init; } = SettingValues.None;

    /// <summary>
    /// Hash of the item's content: its name, prompts, instructions and image. Seeds follow from it. Settings are no part of it, so that two items that differ in
    /// settings alone show the effect of the settings.
    /// </summary>
    public required string Content { get; init; }
}
