using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Everything that decides a picture of the studio, as it is stored: the same recipe gives the same picture.</summary>
/// <remarks>What was added later is not written while it has its usual value: the text decides a <see cref="RecipeKey"/>, and old ones must stay.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(DrawnRecipe), "drawn")]
[JsonDerivedType(typeof(EditedRecipe), "edited")]
[JsonDerivedType(typeof(InvertedRecipe), "inverted")]
[JsonDerivedType(typeof(InpaintedRecipe), "inpainted")]
public abstract record Recipe
{
    /// <summary>What the picture shows. Words of an edit may carry weights, <c>(word:1.5)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>All that is written for the model.</summary>
    [JsonIgnore]
    internal IEnumerable<string> Texts => this switch
    {
        DrawnRecipe drawn => [Prompt, drawn.Negative],
        InpaintedRecipe filled => [Prompt, filled.Negative],
        _ => [Prompt],
    };
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
    public int Steps { get; init; } = 30;

    /// <summary>Classifier-free guidance; 1 is none.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Name of the sampler. Only pictures made with ddim can be edited further than once.</summary>
    public string Scheduler { get; init; } = "ddim";
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
    public int Steps { get; init; } = 30;

    /// <summary>Guidance that edits will have.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Null-text: most optimisation steps at each timestep.</summary>
    public int InnerSteps { get; init; } = 10;

    /// <summary>How the picture is brought to the model's size: crop, fit or pad.</summary>
    public string Frame { get; init; } = "crop";
}

/// <summary>A picture that follows another one, with other words.</summary>
public sealed record EditedRecipe : Recipe
{
    /// <summary>Id of the version whose attention steers this one.</summary>
    public required string Source { get; init; }

    /// <summary>How the prompts are aligned: auto, replace or refine.</summary>
    public string Kind { get; init; } = "auto";

    /// <summary>When cross-attention comes from the source, for all words: 0.8 or 0.1..0.6.</summary>
    public string CrossSteps { get; init; } = "0.8";

    /// <summary>The same for single words of the prompt.</summary>
    public IReadOnlyDictionary<string, string> WordSteps { get; init; } = new Dictionary<string, string>();

    /// <summary>When self-attention comes from the source.</summary>
    public string SelfSteps { get; init; } = "0.4";

    /// <summary>Words whose place alone may change, such as <c>house</c>, or <c>house:castle</c> where source and edit have different ones; empty for the whole picture.</summary>
    public string Blend { get; init; } = "";

    /// <summary>Share of the strongest attention that counts as a word's place.</summary>
    public double BlendThreshold { get; init; } = 0.3;

    /// <summary>A picture that is white where the edit may change something, by the name it is stored under; null for everywhere.</summary>
    public string? Mask { get; init; }
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
    public int Steps { get; init; } = 30;

    /// <summary>Classifier-free guidance; 1 is none.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Share of the steps that run; below 1 the start is what was there, with noise on it.</summary>
    public double Strength { get; init; } = 1;
}
