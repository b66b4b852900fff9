using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Batch.Settings;

/// <summary>How one sample of an item is made.</summary>
internal sealed record SampleSettings
{
    /// <summary>How its images are sampled.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>How they are edited; the prompts are the item's.</summary>
    public EditRequest Edit { get; init; } = new();

    /// <summary>How an item's image is inverted.</summary>
    public InversionMethod Method { get; init; } = new NullTextInversion();

    /// <summary>How an item's image is brought to the model's size.</summary>
    public FramingKind Frame { get; init; } = FramingKind.Crop;

    /// <summary>Whether prompts of more than 77 tokens are read in chunks.</summary>
    public bool LongPrompts { get; init; }
}
