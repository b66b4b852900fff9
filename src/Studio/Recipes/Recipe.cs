using System.Globalization;
using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// Everything that determines a picture, as stored and as sent over HTTP: the same recipe gives the same picture. Each
/// kind converts itself to a request of the editing library; defaults and bounds are the library's.
/// </summary>
/// <remarks>Properties that were added later are omitted while they have their default: the JSON determines the <see cref="RecipeKey"/>, and old keys must not change.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(DrawnRecipe), "drawn")]
[JsonDerivedType(typeof(EditedRecipe), "edited")]
[JsonDerivedType(typeof(InvertedRecipe), "inverted")]
[JsonDerivedType(typeof(InpaintedRecipe), "inpainted")]
[JsonDerivedType(typeof(LearnedRecipe), "learned")]
public abstract record Recipe
{
    /// <summary>The prompt. Words of an edit may have weights, <c>(word:1.5)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>All prompts of the recipe.</summary>
    [JsonIgnore]
    internal virtual IEnumerable<string> Texts => [Prompt];
}

/// <summary>A picture that is not an edit. Its edits use the same model and text settings.</summary>
public abstract record RootRecipe : Recipe
{
    /// <summary>Name of the model; empty for the default.</summary>
    public abstract string Model { get; init; }

    /// <summary>Weights of the model's LoRAs, such as <c>style:0.5, hat:1</c>; null for those that the studio was started with. Edits follow their source.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? Loras { get; init; }

    /// <summary>Whether long prompts are encoded in several chunks instead of being truncated. Edits follow their source.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LongPrompts { get; init; }

    /// <summary>Number of final text-encoder layers to skip. Edits follow their source.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int ClipSkip { get; init; }

    /// <summary>Sampling settings of the picture and its edits.</summary>
    /// <param name="chunks">Number of chunks; see <see cref="PromptChunks"/>.</param>
    internal abstract SamplingSettings Sampling(int chunks = 1);

    /// <summary>Options of a shown command, with their values, for settings that are usually left at their defaults.</summary>
    [JsonIgnore]
    internal virtual IEnumerable<(string Name, IFormattable Value)> RareOptions => ClipSkip == 0 ? [] : [("clip-skip", ClipSkip)];
}

/// <summary>A picture from noise.</summary>
public sealed record DrawnRecipe : RootRecipe
{
    private const int MaxSide = 4096;

    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>Negative prompt.</summary>
    public string Negative { get; init; } = "";

    /// <summary>Seed of the noise.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = SamplingSettings.DefaultSteps;

    /// <summary>Classifier-free guidance; 1 turns it off.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>Size in pixels, such as 512x768; null for the model's own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? Size { get; init; }

    /// <summary>Name of the scheduler. Only pictures made with ddim can be edited further than once.</summary>
    public string Scheduler { get; init; } = "ddim";

    /// <summary>Guidance rescale, 0 to 1: the share of the contrast added by guidance to remove.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double GuidanceRescale { get; init; }

    internal override IEnumerable<(string Name, IFormattable Value)> RareOptions =>
    [
        .. PictureSize is { } size ? [("size", (FormattableString)$"{size}")] : Array.Empty<(string, IFormattable)>(),
        .. GuidanceRescale == 0 ? [] : new (string, IFormattable)[] { ("guidance-rescale", GuidanceRescale) },
        .. base.RareOptions,
    ];

    /// <summary><see cref="Size"/> as a library value.</summary>
    /// <exception cref="InvalidInputException">It is not a size.</exception>
    [JsonIgnore]
    internal PixelSize? PictureSize => Size is null ? null : ParseSize(Size)
        ?? throw new InvalidInputException(nameof(Size), $"\"{Size}\" is not a size.", $"Write it like 512x768, with sides up to {MaxSide}.");

    /// <summary>Whether a text is a size.</summary>
    internal static bool IsSize(string text) => ParseSize(text) is not null;

    /// <summary>The settings for any picture: without prompt and seed.</summary>
    internal DrawnRecipe ForAny() => this with { Prompt = "", Seed = 0 };

    /// <summary>A picture filled with these settings.</summary>
    /// <param name="picture">Name of the picture.</param>
    /// <param name="mask">Name of its mask.</param>
    /// <param name="feather">Width of the mask's soft edge; null for the default.</param>
    /// <param name="prompt">What the whole picture should show.</param>
    internal InpaintedRecipe Fill(string picture, string mask, double? feather, string prompt) => new()
    {
        Prompt = prompt,
        Model = Model,
        Picture = picture,
        Mask = mask,
        Feather = feather,
        Seed = Seed,
        Steps = Steps,
        Guidance = Guidance,
        Negative = Negative,
        Loras = Loras,
        LongPrompts = LongPrompts,
        ClipSkip = ClipSkip,
        GuidanceRescale = GuidanceRescale,
    };

    internal override IEnumerable<string> Texts => [Prompt, Negative];

    internal override SamplingSettings Sampling(int chunks = 1) => new()
    {
        Negative = Negative,
        Seed = Seed,
        Steps = Steps,
        Guidance = Guidance,
        GuidanceRescale = GuidanceRescale,
        Scheduler = Schedulers.Parse(Scheduler),
        Size = PictureSize,
        Chunks = chunks,
        ClipSkip = ClipSkip,
    };

    private static PixelSize? ParseSize(string text) =>
        text.Split('x') is [var width, var height] && Side(width) is { } across && Side(height) is { } down ? new PixelSize(across, down) : null;

    private static int? Side(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var side) && side is > 0 and <= MaxSide ? side : null;
}

/// <summary>An uploaded picture, inverted for editing.</summary>
public sealed record InvertedRecipe : RootRecipe
{
    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>Store name of the uploaded picture.</summary>
    public required string Picture { get; init; }

    /// <summary>Name of the inversion method.</summary>
    public string Method { get; init; } = "null-text";

    /// <summary>DDIM steps.</summary>
    public int Steps { get; init; } = SamplingSettings.DefaultSteps;

    /// <summary>Guidance of the edits.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>Null-text: maximum optimization steps per timestep.</summary>
    public int InnerSteps { get; init; } = new NullTextInversion().InnerSteps;

    /// <summary>Edit-friendly: steps by which the timestep of the noise is earlier than the one given to the model; null for none. The other options are TurboEdit's if it is given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? NoiseShift { get; init; }

    /// <summary>Edit-friendly: greatest norm of the last step's noise; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? NoiseLimit { get; init; }

    /// <summary>Edit-friendly: part of the steps that edits skip; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? Skip { get; init; }

    /// <summary>Guidance of the inversion itself; null for the method's. 0 inverts without the prompt, as LEDITS++ does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? InversionGuidance { get; init; }

    /// <summary>Framing to the model's size: crop, fit or pad.</summary>
    public string Frame { get; init; } = "crop";

    /// <summary><see cref="Frame"/> as a library value.</summary>
    [JsonIgnore]
    internal FramingKind Framing => Frame switch
    {
        "crop" => FramingKind.Crop,
        "fit" => FramingKind.Fit,
        "pad" => FramingKind.Pad,
        _ => throw new InvalidInputException(nameof(Frame), $"There is no framing \"{Frame}\".", Suggestion.Advice(Frame, "crop", "fit", "pad")),
    };

    internal override SamplingSettings Sampling(int chunks = 1) => new() { Steps = Steps, Guidance = Guidance, Chunks = chunks, ClipSkip = ClipSkip };

    /// <summary>The inversion settings.</summary>
    internal InversionSettings Inversion(int chunks = 1) => new()
    {
        Prompt = Prompt,
        Sampling = Sampling(chunks),
        InversionGuidance = InversionGuidance,
        Method = InversionMethod.Named(Method) switch
        {
            NullTextInversion nullText => nullText with { InnerSteps = InnerSteps },
            EditFriendlyInversion plain => Given(NoiseShift is null ? plain : TurboEdit.Inversion),
            var method => Unshifted(method),
        },
    };

    private InversionMethod Unshifted(InversionMethod method)
    {
        var (problem, advice) = ($"The inversion {method.Name} does not use it.", $"Leave it out, or use {new EditFriendlyInversion().Name}.");
        InvalidInputException.Require(NoiseShift is null, nameof(NoiseShift), problem, advice);
        InvalidInputException.Require(NoiseLimit is null, nameof(NoiseLimit), problem, advice);
        InvalidInputException.Require(Skip is null, nameof(Skip), problem, advice);
        return method;
    }

    private EditFriendlyInversion Given(EditFriendlyInversion usual) => new()
    {
        Skip = Skip ?? usual.Skip,
        NoiseShift = NoiseShift ?? usual.NoiseShift,
        NoiseLimit = NoiseLimit ?? usual.NoiseLimit,
    };
}

/// <summary>An inpainted picture.</summary>
public sealed record InpaintedRecipe : RootRecipe
{
    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>Store name of the picture.</summary>
    public required string Picture { get; init; }

    /// <summary>Store name of a mask of the same size, white where the picture is filled.</summary>
    public required string Mask { get; init; }

    /// <summary>Width of the soft edge inside the mask, in pixels of the picture; 0 for a hard edge, null for half a latent position.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? Feather { get; init; }

    /// <summary>Negative prompt.</summary>
    public string Negative { get; init; } = "";

    /// <summary>Seed of the noise.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = SamplingSettings.DefaultSteps;

    /// <summary>Classifier-free guidance; 1 turns it off.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>Part of the steps to run; below 1 the noised picture is the starting point.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>Guidance rescale, 0 to 1: the share of the contrast added by guidance to remove.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double GuidanceRescale { get; init; }

    internal override IEnumerable<(string Name, IFormattable Value)> RareOptions =>
        GuidanceRescale == 0 ? base.RareOptions : [("guidance-rescale", GuidanceRescale), .. base.RareOptions];

    internal override IEnumerable<string> Texts => [Prompt, Negative];

    internal override SamplingSettings Sampling(int chunks = 1) =>
        new() { Negative = Negative, Seed = Seed, Steps = Steps, Guidance = Guidance, GuidanceRescale = GuidanceRescale, Chunks = chunks, ClipSkip = ClipSkip };

    /// <summary>The inpainting as a library request.</summary>
    /// <param name="picture">The picture that <see cref="Picture"/> names.</param>
    /// <param name="mask">The mask that <see cref="Mask"/> names.</param>
    /// <param name="chunks">Number of chunks.</param>
    internal InpaintRequest Request(Diffusion.Images.Image picture, Diffusion.Images.Image mask, int chunks = 1) =>
        new() { Image = picture, Mask = mask, Prompt = Prompt, Sampling = Sampling(chunks), Strength = Strength, Feather = Feather };

    /// <summary>The inversion settings for edits of the inpainted picture. Such edits follow the picture, not the inpainting run.</summary>
    internal InversionSettings Inversion(int chunks) => new()
    {
        Method = new DirectInversion(),
        Prompt = Prompt,
        Sampling = new() { Steps = Steps, Guidance = Guidance, GuidanceRescale = GuidanceRescale, Chunks = chunks, ClipSkip = ClipSkip },
    };
}
