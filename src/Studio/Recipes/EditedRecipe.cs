using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>An edit of another picture by another prompt.</summary>
public sealed record EditedRecipe : Recipe
{
    internal const string DefaultKind = "auto";

    internal static readonly string DefaultCrossSteps = CrossReplaceSteps.Standard.Default.ToString(), DefaultSelfSteps = StepWindow.Standard.ToString();

    /// <summary>Id of the source version.</summary>
    public required string Source { get; init; }

    /// <summary>Alignment of the prompts: auto, replace or refine.</summary>
    public string Kind { get; init; } = DefaultKind;

    /// <summary>When cross-attention comes from the source, for all words: 0.8 or 0.1..0.6.</summary>
    public string CrossSteps { get; init; } = DefaultCrossSteps;

    /// <summary>The same for single words.</summary>
    public IReadOnlyDictionary<string, string> WordSteps { get; init; } = new Dictionary<string, string>();

    /// <summary>When self-attention comes from the source.</summary>
    public string SelfSteps { get; init; } = DefaultSelfSteps;

    /// <summary>Words whose region may change, such as <c>house</c>, or <c>house:castle</c> if source and edit differ; empty for the whole picture.</summary>
    public string Blend { get; init; } = "";

    /// <summary>Blend threshold, relative to the maximum attention.</summary>
    public double BlendThreshold { get; init; } = EditRequest.DefaultBlendThreshold;

    /// <summary>Store name of a mask, white where the edit may change the picture; null for everywhere.</summary>
    public string? Mask { get; init; }

    /// <summary>
    /// Width of the soft edge inside the mask, in pixels of the picture. The edit is then drawn over its source through the mask. Null for half a latent
    /// position if the source began with an uploaded picture; otherwise the mask acts on latents only.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? Feather { get; init; }

    /// <summary>The editing method; null for Prompt-to-Prompt.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? Method { get; init; }

    /// <summary>MasaCtrl: part of the steps before the edit reads the source's appearance; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? ShareStart { get; init; }

    /// <summary>MasaCtrl: the first layer that reads it, of Stable Diffusion 1's 16; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int? ShareLayer { get; init; }

    /// <summary>MasaCtrl: words of the subject, which keeps it apart from the background; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? Subject { get; init; }

    /// <summary>MasaCtrl: attention threshold of the subject's region; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? SubjectThreshold { get; init; }

    /// <summary>Plug-and-Play: part of the steps that uses the source's self-attention; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? AttentionSteps { get; init; }

    /// <summary>Plug-and-Play: part of the steps that uses the source's features; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? FeatureSteps { get; init; }

    /// <summary>Uni-Edit: how strongly the edit departs from the source; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? Strength { get; init; }

    /// <summary>Uni-Edit: part of the steps that is edited; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? EditDepth { get; init; }

    /// <summary>LEDITS++: the concepts to add and, with <c>-</c>, to remove: <c>[-]WORDS[=SCALE][@STEPS]</c>; null for the difference of the prompts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public IReadOnlyList<string>? Concepts { get; init; }

    /// <summary>LEDITS++: how strongly concepts act; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? ConceptScale { get; init; }

    /// <summary>LEDITS++: part of the edited steps before concepts act; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? WarmUp { get; init; }

    /// <summary>LEDITS++: part of the image that each of a concept's two masks leaves alone; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? MaskQuantile { get; init; }

    /// <summary>TurboEdit: how strongly the edit follows its prompt; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? PseudoGuidance { get; init; }

    /// <summary>InfEdit: part of the steps that uses the source's cross-attention; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? CrossPart { get; init; }

    /// <summary>InfEdit: part of the steps that uses the source's self-attention; null for the default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double? SelfPart { get; init; }

    /// <summary>The edit as a library request.</summary>
    /// <param name="mask">The mask that <see cref="Mask"/> names, framed like the source.</param>
    internal EditRequest Request(Image? mask) => new()
    {
        Prompts = [Prompt],
        Method = MethodFields.Read(this),
        Alignment = Kind switch
        {
            "auto" => AlignmentKind.Auto,
            "replace" => AlignmentKind.Replace,
            "refine" => AlignmentKind.Refine,
            _ => throw new InvalidInputException(nameof(EditRequest.Alignment), $"There is no alignment \"{Kind}\".", Suggestion.Advice(Kind, "auto", "replace", "refine")),
        },
        CrossSteps = InvalidInputException.Naming(
            nameof(WordSteps), () => CrossReplaceSteps.Parse([CrossSteps, .. WordSteps.Select(word => $"{word.Key}={word.Value}")])),
        SelfSteps = InvalidInputException.Naming(nameof(SelfSteps), () => StepWindow.Parse(SelfSteps)),
        Blend = Blend.Length == 0 ? null : InvalidInputException.Naming(nameof(Blend), () => BlendWords.Parse(Blend)),
        BlendThreshold = BlendThreshold,
        Mask = mask,
    };
}
