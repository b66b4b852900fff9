namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>An image of PIE-Bench (Ju et al. 2023, arXiv 2310.01506) and its edit.</summary>
internal sealed record PieBenchItem
{
    /// <summary>The type of edits that change the style; it has no background.</summary>
    public const int StyleType = 9;

    /// <summary>The types of edits, by their numbers.</summary>
    public static IReadOnlyList<string> Types { get; } =
    [
        "random", "change object", "add object", "delete object", "change content", "change pose", "change color", "change material", "change background", "change style",
    ];

    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary>Path of the image below <see cref="PieBenchData.ImageFolder"/>.</summary>
    public required string ImagePath { get; init; }

    /// <summary>The prompt of the image.</summary>
    public required string SourcePrompt { get; init; }

    /// <summary>The prompt of the edit.</summary>
    public required string TargetPrompt { get; init; }

    /// <summary>The edit as an instruction.</summary>
    public string Instruction { get; init; } = "";

    /// <summary>The type of edit, an index of <see cref="Types"/>.</summary>
    public required int Type { get; init; }

    /// <summary>Words of the source whose regions change, with their counterparts in the target.</summary>
    public IReadOnlyList<(string Source, string Target)> Blend { get; init; } = [];

    /// <summary>The edited region, for <see cref="PieBenchMask"/>.</summary>
    public required IReadOnlyList<int> MaskRuns { get; init; }
}
