using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Sessions;

/// <summary>Everything that decides the pictures of one run. The same request on the same model gives the same pictures.</summary>
public sealed record EditRequest
{
    /// <summary>The prompt of the source picture.</summary>
    public required string Source { get; init; }

    /// <summary>The prompts of the edited pictures; words may carry weights, <c>(word:1.5)</c>. None: only the source is made.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>What the pictures should not show.</summary>
    public string Negative { get; init; } = "";

    /// <summary>Windows in which the text encoder reads the prompts; what is longer is truncated. See <see cref="PromptReading.Windows"/>.</summary>
    public int Windows { get; init; } = 1;

    /// <summary>How many of the text encoder's last layers are left out.</summary>
    public int ClipSkip { get; init; }

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Classifier-free guidance; 1 is none.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>How much of guidance's gain in contrast is taken back, 0 to 1; see <see cref="DenoisingRequest.GuidanceRescale"/>.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>The sampler; null for the model's own where it is supported, else DDIM.</summary>
    public SamplerKind? Sampler { get; init; }

    /// <summary>Offset of the timesteps; null for the model's own.</summary>
    public int? StepsOffset { get; init; }

    /// <summary>Which timesteps a run visits; null for the model's own choice.</summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Seed of the starting noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>Starting noise instead of the seed's, [1, channels, h, w]; stays the caller's.</summary>
    public Tensor? InitialLatents { get; init; }

    /// <summary>
    /// A real picture to edit instead of one from noise; stays the caller's. It decides source prompt, steps and size: begin with
    /// <see cref="ForPicture"/>.
    /// </summary>
    public InvertedPicture? Inverted { get; init; }

    /// <summary>Another seed for the edited pictures: the experiment of un-fixing it. Null to start all from the same noise.</summary>
    public ulong? EditSeed { get; init; }

    /// <summary>Picture width in pixels; 0 for the model's own.</summary>
    public int Width { get; init; }

    /// <summary>Picture height in pixels; 0 for the model's own.</summary>
    public int Height { get; init; }

    /// <summary>For models that look at sizes: the size that a picture like this had before it was scaled; null for one that was not.</summary>
    public PixelSize? OriginalSize { get; init; }

    /// <summary>The same for where it was cropped, in pixels from its left upper corner.</summary>
    public (int Left, int Top) Crop { get; init; }

    /// <summary>The same for the size it is told to have in the end; null for the size it has.</summary>
    public PixelSize? TargetSize { get; init; }

    /// <summary>How attention is edited.</summary>
    public EditSpecification Edit { get; init; } = new();

    /// <summary>Words whose regions may change; null for the whole picture.</summary>
    public BlendWords? Blend { get; init; }

    /// <summary>Words whose regions stay as they are.</summary>
    public BlendWords? BlendSubtract { get; init; }

    /// <summary>Share of the strongest attention that counts as a blend word's region.</summary>
    public double BlendThreshold { get; init; } = 0.3;

    /// <summary>The same for the subtracted words.</summary>
    public double BlendSubtractThreshold { get; init; } = 0.3;

    /// <summary>Share of the steps before the blend begins.</summary>
    public double BlendStart { get; init; } = 0.2;

    /// <summary>A picture that is bright where edits may change something; null for everywhere.</summary>
    public Picture? Mask { get; init; }

    /// <summary>
    /// Whether the rows of a step are computed one after another, which takes the memory of one. The pictures are the same but for rounding.
    /// Models of which one part is in memory at a time always run so.
    /// </summary>
    public bool RowByRow { get; init; }

    /// <summary>Whether to collect attention maps.</summary>
    public bool WatchAttention { get; init; }

    /// <summary>Whether to collect the source's self-attention, for its components.</summary>
    public bool WatchSelfAttention { get; init; }

    /// <summary>Whether to keep every step's latents and masks for <see cref="EditResult.SaveTrace"/>.</summary>
    public bool Trace { get; init; }

    /// <summary>Refuses, before any work, what a run would refuse because of its words and numbers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">How the picture to edit will be inverted; null where there is none, or it is inverted already.</param>
    /// <exception cref="Diffusion.InvalidInputException">A word or number does not fit.</exception>
    public void Check(StableDiffusionModel model, InversionSettings? settings = null)
    {
        if (settings is not null)
        {
            settings.Validate();
            EditWords.RequireFits(this, settings);
        }

        _ = new EditWords(model.Tokenizer, this);
    }

    /// <summary>A request for edits of a real picture.</summary>
    public static EditRequest ForPicture(InvertedPicture inverted) => new()
    {
        Inverted = inverted,
        Source = inverted.Settings.Prompt,
        Steps = inverted.Settings.Steps,
        StepsOffset = inverted.Settings.StepsOffset,
        Windows = inverted.Settings.Windows,
        ClipSkip = inverted.Settings.ClipSkip,
        Guidance = inverted.Settings.Guidance,
        Sampler = SamplerKind.Ddim,
    };
}

/// <summary>Where a run stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Rows">U-Net rows computed in each step.</param>
/// <param name="Preview">Decodes what the pictures are heading for, those that are computed; to be called only while being told, and costs a decoding each.</param>
public readonly record struct EditProgress(int Step, int Steps, int Rows, Func<IReadOnlyList<Picture>>? Preview = null);
