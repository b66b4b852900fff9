using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Batch.Settings;

/// <summary>How one sample of an item is made.</summary>
internal sealed record SampleSettings
{
    /// <summary>How its images are sampled.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>How they are edited; the prompts are the item's.</summary>
    public EditRequest Edit { get; init; } = new();

    /// <summary>The methods of inversion and editing.</summary>
    public MethodChoice Method { get; init; } = new(new NullTextInversion().Name, null);

    /// <summary>How an item's image is inverted.</summary>
    public InversionMethod Inversion => Method.InversionFor(Edit.Method);

    /// <summary>How an item's image is brought to the model's size.</summary>
    public FramingKind Frame { get; init; } = FramingKind.Crop;

    /// <summary>Whether an edit is drawn over the item's image, so that only what it changes differs from it.</summary>
    public bool OverOriginal { get; init; } = true;

    /// <summary>Whether prompts of more than 77 tokens are read in chunks.</summary>
    public bool LongPrompts { get; init; }
}
