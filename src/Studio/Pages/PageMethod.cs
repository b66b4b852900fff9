using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Pages;

/// <summary>A slider of an editing method.</summary>
/// <param name="Label">Its label.</param>
/// <param name="Max">Its greatest value.</param>
/// <param name="Step">The distance of its values, of which the first is <see cref="Min"/>.</param>
/// <param name="Get">Reads it from a recipe.</param>
/// <param name="Set">Writes it to a recipe.</param>
internal sealed record MethodSlider(string Label, double Max, double Step, Func<EditedRecipe, double> Get, Func<EditedRecipe, double, EditedRecipe> Set)
{
    /// <summary>Its least value.</summary>
    public double Min { get; init; }
}

/// <summary>An editing method as the page offers it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Title">Its title.</param>
/// <param name="Use">When to use it.</param>
/// <param name="Sliders">Its controls.</param>
internal sealed record PageMethod(string Name, string Title, string Use, IReadOnlyList<MethodSlider> Sliders)
{
    private static readonly MasaCtrl Masa = new();
    private static readonly PlugAndPlay Features = new();
    private static readonly UniEdit Uni = new();
    private static readonly LeditsPlusPlus Ledits = new();
    private static readonly TurboEdit Turbo = new();
    private static readonly InfEdit Unified = new();

    private static readonly IReadOnlyList<PageMethod> All =
    [
        new(MethodFields.PromptToPrompt, "Change words", "Keeps the layout and changes the things that the words name.", []),
        new(Masa.Name, "Change the pose", "Keeps the looks of the subject and lets it do something else, or be larger (MasaCtrl).",
        [
            new("Begin to keep its looks", 1, 0.02, edit => edit.ShareStart ?? Masa.ShareStart, (edit, value) => edit with { ShareStart = value }),
            new("First layer that keeps them", MasaCtrl.Layers, 1, edit => edit.ShareLayer ?? Masa.ShareLayer, (edit, value) => edit with { ShareLayer = (int)value }),
        ]),
        new(Features.Name, "Change the style", "Keeps the composition and draws it in another style, material or place (Plug-and-Play).",
        [
            new("Keep the layout", 1, 0.05, edit => edit.AttentionSteps ?? Features.AttentionSteps, (edit, value) => edit with { AttentionSteps = value }),
            new("Keep the shapes", 1, 0.05, edit => edit.FeatureSteps ?? Features.FeatureSteps, (edit, value) => edit with { FeatureSteps = value }),
        ]),
        new(Uni.Name, "Edit in a few steps", "Changes an uploaded picture only where the prompts disagree (Uni-Edit).",
        [
            new("Strength", 10, 0.5, edit => edit.Strength ?? Uni.Strength, (edit, value) => edit with { Strength = value }),
            new("Part of the steps", 1, 0.05, edit => edit.EditDepth ?? Uni.EditDepth, (edit, value) => edit with { EditDepth = value }) { Min = 0.05 },
        ]),
        new(Turbo.Name, "Edit with a turbo model", "Changes an uploaded picture that was opened for few steps; made for models such as SDXL-Turbo (TurboEdit).",
        [
            new("Strength", 5, 0.1, edit => edit.PseudoGuidance ?? Turbo.PseudoGuidance, (edit, value) => edit with { PseudoGuidance = value }),
        ]),
        new(Unified.Name, "Change words or the pose", "Changes an uploaded picture that was inverted by virtual inversion, in 4 to 12 steps with an LCM model (InfEdit).",
        [
            new("Keep what both prompts name", 1, 0.05, edit => edit.CrossPart ?? Unified.CrossPart, (edit, value) => edit with { CrossPart = value }),
            new("Keep the layout", 1, 0.05, edit => edit.SelfPart ?? Unified.SelfPart, (edit, value) => edit with { SelfPart = value }),
        ]),
        new(Ledits.Name, "Add and remove things", "Adds the new words to an uploaded picture and takes the deleted ones out, each in its own place (LEDITS++).",
        [
            new("Strength", 15, 0.5, edit => edit.ConceptScale ?? Ledits.ConceptScale, (edit, value) => edit with { ConceptScale = value }),
            new("Begin to change", 1, 0.05, edit => edit.WarmUp ?? Ledits.WarmUp, (edit, value) => edit with { WarmUp = value }),
            new("Part to leave alone", 1, 0.05, edit => edit.MaskQuantile ?? Ledits.MaskQuantile, (edit, value) => edit with { MaskQuantile = value }),
        ]),
    ];

    /// <summary>The methods that fit a source.</summary>
    /// <param name="source">The source's recipe; null for none.</param>
    public static IEnumerable<PageMethod> For(Recipe? source) => All.Where(method => Fits(method.Name, (source as InvertedRecipe)?.Inversion()));

    /// <summary>The method of a name.</summary>
    public static PageMethod Named(string name) => All.First(method => method.Name == name);

    /// <summary>A recipe with the method alone; null for Prompt-to-Prompt.</summary>
    public EditedRecipe? Start() => Name == MethodFields.PromptToPrompt ? null : new() { Source = "", Prompt = "", Method = Name };

    // Pictures that the model made have no inversion.
    private static bool Fits(string name, InversionSettings? inversion) =>
        name == Uni.Name ? inversion?.Method is UniInversion or DirectInversion
        : name == Turbo.Name ? inversion?.Method is EditFriendlyInversion method && method.GuidanceOf(inversion) == 1
        : name == Ledits.Name ? inversion?.Method is EditFriendlyInversion
        : name != Unified.Name || inversion?.Method is VirtualInversion;
}
