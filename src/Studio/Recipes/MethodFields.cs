using System.Globalization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The editing method of a recipe, from its fields and as options of <c>p2p</c>.</summary>
internal static class MethodFields
{
    /// <summary>The default method's name.</summary>
    public static readonly string PromptToPrompt = new PromptToPromptMethod().Name;

    // Each is a row of every step.
    private const int MaxConcepts = 16;

    /// <summary>The method with the given options.</summary>
    /// <exception cref="InvalidInputException">The method is unknown, or an option of another one is given.</exception>
    public static EditMethod Read(EditedRecipe edit)
    {
        var method = EditMethod.Named(edit.Method ?? PromptToPrompt);
        RequireOwn<MasaCtrl>(edit.ShareStart, nameof(edit.ShareStart));
        RequireOwn<MasaCtrl>(edit.ShareLayer, nameof(edit.ShareLayer));
        RequireOwn<MasaCtrl>(edit.Subject, nameof(edit.Subject));
        RequireOwn<MasaCtrl>(edit.SubjectThreshold, nameof(edit.SubjectThreshold));
        RequireOwn<PlugAndPlay>(edit.AttentionSteps, nameof(edit.AttentionSteps));
        RequireOwn<PlugAndPlay>(edit.FeatureSteps, nameof(edit.FeatureSteps));
        RequireOwn<UniEdit>(edit.Strength, nameof(edit.Strength));
        RequireOwn<UniEdit>(edit.EditDepth, nameof(edit.EditDepth));
        RequireOwn<LeditsPlusPlus>(edit.Concepts, nameof(edit.Concepts));
        RequireOwn<LeditsPlusPlus>(edit.ConceptScale, nameof(edit.ConceptScale));
        RequireOwn<LeditsPlusPlus>(edit.WarmUp, nameof(edit.WarmUp));
        RequireOwn<LeditsPlusPlus>(edit.MaskQuantile, nameof(edit.MaskQuantile));
        RequireOwn<TurboEdit>(edit.PseudoGuidance, nameof(edit.PseudoGuidance));
        RequireOwn<InfEdit>(edit.CrossPart, nameof(edit.CrossPart));
        RequireOwn<InfEdit>(edit.SelfPart, nameof(edit.SelfPart));
        switch (method)
        {
            case MasaCtrl masa:
                return new MasaCtrl
                {
                    ShareStart = edit.ShareStart ?? masa.ShareStart,
                    ShareLayer = edit.ShareLayer ?? masa.ShareLayer,
                    Subject = edit.Subject is { } words ? InvalidInputException.Naming(nameof(edit.Subject), () => BlendWords.Parse(words)) : null,
                    SubjectThreshold = edit.SubjectThreshold ?? masa.SubjectThreshold,
                };
            case PlugAndPlay features:
                return new PlugAndPlay { AttentionSteps = edit.AttentionSteps ?? features.AttentionSteps, FeatureSteps = edit.FeatureSteps ?? features.FeatureSteps };
            case UniEdit uni:
                return new UniEdit { Strength = edit.Strength ?? uni.Strength, EditDepth = edit.EditDepth ?? uni.EditDepth };
            case LeditsPlusPlus ledits:
                return new LeditsPlusPlus
                {
                    Concepts = InvalidInputException.Naming(nameof(edit.Concepts), () => ReadConcepts(edit.Concepts ?? [])),
                    ConceptScale = edit.ConceptScale ?? ledits.ConceptScale,
                    WarmUp = edit.WarmUp ?? ledits.WarmUp,
                    MaskQuantile = edit.MaskQuantile ?? ledits.MaskQuantile,
                };
            case TurboEdit turbo:
                return new TurboEdit { PseudoGuidance = edit.PseudoGuidance ?? turbo.PseudoGuidance };
            case InfEdit unified:
                return new InfEdit { CrossPart = edit.CrossPart ?? unified.CrossPart, SelfPart = edit.SelfPart ?? unified.SelfPart };
            default:
                return method;
        }

        void RequireOwn<T>(object? value, string setting)
            where T : EditMethod, new() =>
            InvalidInputException.Require(value is null || method is T, setting, $"It is an option of {new T().Name}, and the editing method is {method.Name}.", $"Leave it out, or use {new T().Name}.");
    }

    /// <summary>A recipe with the method and its options of another one.</summary>
    /// <param name="edit">The recipe.</param>
    /// <param name="other">The other; null for Prompt-to-Prompt.</param>
    public static EditedRecipe Take(EditedRecipe edit, EditedRecipe? other) => edit with
    {
        Method = other?.Method,
        ShareStart = other?.ShareStart,
        ShareLayer = other?.ShareLayer,
        Subject = other?.Subject,
        SubjectThreshold = other?.SubjectThreshold,
        AttentionSteps = other?.AttentionSteps,
        FeatureSteps = other?.FeatureSteps,
        Strength = other?.Strength,
        EditDepth = other?.EditDepth,
        Concepts = other?.Concepts,
        ConceptScale = other?.ConceptScale,
        WarmUp = other?.WarmUp,
        MaskQuantile = other?.MaskQuantile,
        PseudoGuidance = other?.PseudoGuidance,
        CrossPart = other?.CrossPart,
        SelfPart = other?.SelfPart,
    };

    /// <summary>The given options, each with its name and value on the command line.</summary>
    public static IEnumerable<(string Name, string Value)> Options(EditedRecipe edit) =>
        from field in Fields(edit)
        where field.Value is not null
        select (OptionOf(field.Field), Convert.ToString(field.Value, CultureInfo.InvariantCulture)!);

    /// <summary>The option that <see cref="Options"/> names for a field; one that is repeated has the name of one value.</summary>
    public static string OptionOf(string field) => field == nameof(EditedRecipe.Concepts) ? "concept" : System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(field);

    private static IEnumerable<(string Field, object? Value)> Fields(EditedRecipe edit) =>
    [
        (nameof(edit.ShareStart), edit.ShareStart), (nameof(edit.ShareLayer), edit.ShareLayer), (nameof(edit.Subject), edit.Subject),
        (nameof(edit.SubjectThreshold), edit.SubjectThreshold), (nameof(edit.AttentionSteps), edit.AttentionSteps), (nameof(edit.FeatureSteps), edit.FeatureSteps),
        (nameof(edit.Strength), edit.Strength), (nameof(edit.EditDepth), edit.EditDepth),
        .. (edit.Concepts ?? []).Select(concept => (nameof(edit.Concepts), (object?)concept)),
        (nameof(edit.ConceptScale), edit.ConceptScale), (nameof(edit.WarmUp), edit.WarmUp), (nameof(edit.MaskQuantile), edit.MaskQuantile),
        (nameof(edit.PseudoGuidance), edit.PseudoGuidance),
        (nameof(edit.CrossPart), edit.CrossPart), (nameof(edit.SelfPart), edit.SelfPart),
    ];

    // The deserializer lets null through as an element.
    private static EditConcept[] ReadConcepts(IReadOnlyList<string?> concepts)
    {
        InvalidInputException.Require(concepts.Count <= MaxConcepts, $"{concepts.Count} concepts are too many. Use at most {MaxConcepts}.");
        foreach (var concept in concepts)
            RecipeCheck.RequireName(nameof(EditedRecipe.Concepts), concept ?? "");
        return [.. concepts.Select(concept => EditConcept.Parse(concept ?? ""))];
    }
}
