using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// Everything that decides a picture of the studio, as it is stored and as the HTTP interface takes it: the same recipe gives the same picture. Each
/// kind says how the editing library is asked for it; defaults and bounds are the library's.
/// </summary>
/// <remarks>Properties that were added later are not written while they have their default: the JSON decides a <see cref="RecipeKey"/>, and old keys must stay.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(DrawnRecipe), "drawn")]
[JsonDerivedType(typeof(EditedRecipe), "edited")]
[JsonDerivedType(typeof(InvertedRecipe), "inverted")]
[JsonDerivedType(typeof(InpaintedRecipe), "inpainted")]
public abstract record Recipe
{
    /// <summary>What the picture shows. Words of an edit may carry weights, <c>(word:1.5)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>The prompts it gives the model.</summary>
    [JsonIgnore]
    internal virtual IEnumerable<string> Texts => [Prompt];
}

/// <summary>A picture that follows no other one. Its edits are made by the same model, which reads their words in the same way.</summary>
public abstract record RootRecipe : Recipe
{
    /// <summary>Name of the model; empty for the usual one.</summary>
    public abstract string Model { get; init; }

    /// <summary>Whether prompts longer than the text encoder are read in several windows instead of being cut off; edits follow their source.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LongPrompts { get; init; }

    /// <summary>How many of the text encoder's last layers are left out; edits follow their source.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int ClipSkip { get; init; }

    /// <summary>How it is sampled, and how its edits are.</summary>
    /// <param name="chunks">Chunks in which the prompts are read; see <see cref="PromptChunks"/>.</param>
    internal abstract SamplingSettings Sampling(int chunks = 1);
}

/// <summary>A picture from noise.</summary>
public sealed record DrawnRecipe : RootRecipe
{
    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>What the picture should not show.</summary>
    public string Negative { get; init; } = "";

    /// <summary>Seed of the noise.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = SamplingSettings.DefaultSteps;

    /// <summary>Classifier-free guidance; 1 is none.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>Name of the sampler. Only pictures made with ddim can be edited further than once.</summary>
    public string Scheduler { get; init; } = "ddim";

    internal override IEnumerable<string> Texts => [Prompt, Negative];

    internal override SamplingSettings Sampling(int chunks = 1) => new()
    {
        Negative = Negative,
        Seed = Seed,
        Steps = Steps,
        Guidance = Guidance,
        Sampler = SamplerNames.Parse(Scheduler),
        Chunks = chunks,
        ClipSkip = ClipSkip,
    };
}

/// <summary>A picture that was given, inverted so that it can be edited.</summary>
public sealed record InvertedRecipe : RootRecipe
{
    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>The given picture, by the name it is stored under.</summary>
    public required string Picture { get; init; }

    /// <summary>The way of inverting.</summary>
    public string Method { get; init; } = "null-text";

    /// <summary>DDIM steps.</summary>
    public int Steps { get; init; } = SamplingSettings.DefaultSteps;

    /// <summary>Guidance that edits will have.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>Null-text: most optimisation steps at each timestep.</summary>
    public int InnerSteps { get; init; } = new NullTextInversion().InnerSteps;

    /// <summary>How the picture is brought to the model's size: crop, fit or pad.</summary>
    public string Frame { get; init; } = "crop";

    /// <summary><see cref="Frame"/> as the library has it.</summary>
    [JsonIgnore]
    internal FramingKind Framing => Frame switch
    {
        "crop" => FramingKind.Crop,
        "fit" => FramingKind.Fit,
        "pad" => FramingKind.Pad,
        _ => throw new InvalidInputException(nameof(Frame), $"There is no framing \"{Frame}\".", "Use crop, fit or pad."),
    };

    internal override SamplingSettings Sampling(int chunks = 1) => new() { Steps = Steps, Guidance = Guidance, Chunks = chunks, ClipSkip = ClipSkip };

    /// <summary>How the picture is inverted.</summary>
    internal InversionSettings Inversion(int chunks = 1) => new()
    {
        Prompt = Prompt,
        Sampling = Sampling(chunks),
        Method = InversionMethod.Named(Method) is var method && method is NullTextInversion nullText ? nullText with { InnerSteps = InnerSteps } : method,
    };
}

/// <summary>A picture that follows another one, with other words.</summary>
public sealed record EditedRecipe : Recipe
{
    internal const string DefaultKind = "auto";

    internal static readonly string DefaultCrossSteps = CrossReplaceSteps.Standard.Default.ToString(), DefaultSelfSteps = StepWindow.Standard.ToString();

    /// <summary>Id of the version whose attention steers this one.</summary>
    public required string Source { get; init; }

    /// <summary>How the prompts are aligned: auto, replace or refine.</summary>
    public string Kind { get; init; } = DefaultKind;

    /// <summary>When cross-attention comes from the source, for all words: 0.8 or 0.1..0.6.</summary>
    public string CrossSteps { get; init; } = DefaultCrossSteps;

    /// <summary>The same for single words of the prompt.</summary>
    public IReadOnlyDictionary<string, string> WordSteps { get; init; } = new Dictionary<string, string>();

    /// <summary>When self-attention comes from the source.</summary>
    public string SelfSteps { get; init; } = DefaultSelfSteps;

    /// <summary>Words whose place alone may change, such as <c>house</c>, or <c>house:castle</c> where source and edit have different ones; empty for the whole picture.</summary>
    public string Blend { get; init; } = "";

    /// <summary>Share of the strongest attention that counts as a word's place.</summary>
    public double BlendThreshold { get; init; } = EditRequest.DefaultBlendThreshold;

    /// <summary>A picture that is white where the edit may change something, by the name it is stored under; null for everywhere.</summary>
    public string? Mask { get; init; }

    /// <summary>The edit as the library has it.</summary>
    /// <param name="mask">The mask that <see cref="Mask"/> names, framed as the source is.</param>
    internal EditRequest Request(Picture? mask) => new()
    {
        Prompts = [Prompt],
        Alignment = Kind switch
        {
            "auto" => AlignmentKind.Auto,
            "replace" => AlignmentKind.Replace,
            "refine" => AlignmentKind.Refine,
            _ => throw new InvalidInputException(nameof(EditRequest.Alignment), $"There is no alignment \"{Kind}\".", "Use auto, replace or refine."),
        },
        CrossSteps = InvalidInputException.Naming(
            nameof(CrossSteps), () => CrossReplaceSteps.Parse([CrossSteps, .. WordSteps.Select(word => $"{word.Key}={word.Value}")])),
        SelfSteps = InvalidInputException.Naming(nameof(SelfSteps), () => StepWindow.Parse(SelfSteps)),
        Blend = Blend.Length == 0 ? null : InvalidInputException.Naming(nameof(Blend), () => BlendWords.Parse(Blend)),
        BlendThreshold = BlendThreshold,
        Mask = mask,
    };
}

/// <summary>A picture with a part of it filled anew.</summary>
public sealed record InpaintedRecipe : RootRecipe
{
    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>The picture, by the name it is stored under.</summary>
    public required string Picture { get; init; }

    /// <summary>A picture of the same size, white where the other is filled.</summary>
    public required string Mask { get; init; }

    /// <summary>What the picture should not show.</summary>
    public string Negative { get; init; } = "";

    /// <summary>Seed of the noise.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = SamplingSettings.DefaultSteps;

    /// <summary>Classifier-free guidance; 1 is none.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>Share of the steps that run; below 1 the start is what was there, with noise on it.</summary>
    public double Strength { get; init; } = 1;

    internal override IEnumerable<string> Texts => [Prompt, Negative];

    internal override SamplingSettings Sampling(int chunks = 1) =>
        new() { Negative = Negative, Seed = Seed, Steps = Steps, Guidance = Guidance, Chunks = chunks, ClipSkip = ClipSkip };

    /// <summary>The inpainting as the library has it.</summary>
    /// <param name="picture">The picture that <see cref="Picture"/> names.</param>
    /// <param name="mask">The mask that <see cref="Mask"/> names.</param>
    /// <param name="chunks">Chunks in which the prompts are read.</param>
    internal InpaintRequest Request(Diffusion.Images.Picture picture, Diffusion.Images.Picture mask, int chunks = 1) =>
        new() { Picture = picture, Mask = mask, Prompt = Prompt, Sampling = Sampling(chunks), Strength = Strength };

    /// <summary>How the inpainted picture is inverted when it becomes the source of an edit, which follows the picture and not how it was filled.</summary>
    internal InversionSettings Inversion(int chunks) =>
        new() { Method = new DirectInversion(), Prompt = Prompt, Sampling = new() { Steps = Steps, Guidance = Guidance, Chunks = chunks, ClipSkip = ClipSkip } };
}
