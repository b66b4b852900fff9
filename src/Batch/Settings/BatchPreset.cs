using PromptToPrompt.Batch.Filters;

namespace PromptToPrompt.Batch.Settings;

/// <summary>The settings of a published data set. Those that a run or an item gives go before them.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Settings">Settings of items.</param>
/// <param name="Samples">Samples of an item.</param>
/// <param name="Rules">Which pairs are kept, if CLIP measures them.</param>
/// <param name="Best">Which samples are kept of those.</param>
internal sealed record BatchPreset(string Name, SettingValues Settings, int Samples, IReadOnlyList<KeepRule> Rules, BestOf Best)
{
    /// <summary>
    /// InstructPix2Pix (Brooks et al., arXiv 2211.09800): self-attention alone, in all layers and in the unconditional rows too, with a threshold and a guidance scale for
    /// each sample; of 100 samples, the four whose change in CLIP's space is most like that of their captions.
    /// </summary>
    private static readonly BatchPreset InstructPix2Pix = new(
        "instruct-pix2pix",
        SettingValues.None
            .With("scheduler", "euler-a").With("spacing", "linspace").With("steps", "100").With("guidance", "7.5..15")
            .With("cross", "0").With("self", "0.1..0.9").With("self_resolution", "all").With("self_unconditional", "true"),
        Samples: 100,
        [KeepRule.Parse("clip_image>=0.7"), KeepRule.Parse("clip_direction>=0.2"), KeepRule.Parse("clip_text>=0.2")],
        new BestOf(4, "clip_direction"));

    /// <summary>All presets.</summary>
    public static IReadOnlyList<BatchPreset> All { get; } = [InstructPix2Pix];
}
