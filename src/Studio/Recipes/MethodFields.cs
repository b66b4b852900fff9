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

    /// <summary>The method with the given options.</summary>
    /// <exception cref="InvalidInputException">The method is unknown, or an option of another one is given.</exception>
    public static EditMethod Read(EditedRecipe edit)
    {
        var method = EditMethod.Named(edit.Method ?? PromptToPrompt);
        foreach (var (owner, field, value) in Fields(edit))
            InvalidInputException.Require(value is null || owner == method.Name, field, $"It is an option of {owner}, and the editing method is {method.Name}.", $"Leave it out, or use {owner}.");
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
            default:
                return method;
        }
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
    };

    /// <summary>The given options, each with its name and value on the command line.</summary>
    public static IEnumerable<(string Name, string Value)> Options(EditedRecipe edit) =>
        from field in Fields(edit)
        where field.Value is not null
        select (OptionOf(field.Field), Convert.ToString(field.Value, CultureInfo.InvariantCulture)!);

    /// <summary>The option that <see cref="Options"/> names for a field.</summary>
    public static string OptionOf(string field) => System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(field);

    private static IEnumerable<(string Method, string Field, object? Value)> Fields(EditedRecipe edit)
    {
        var (masa, features, uni) = (new MasaCtrl().Name, new PlugAndPlay().Name, new UniEdit().Name);
        return
        [
            (masa, nameof(edit.ShareStart), edit.ShareStart), (masa, nameof(edit.ShareLayer), edit.ShareLayer), (masa, nameof(edit.Subject), edit.Subject),
            (masa, nameof(edit.SubjectThreshold), edit.SubjectThreshold), (features, nameof(edit.AttentionSteps), edit.AttentionSteps),
            (features, nameof(edit.FeatureSteps), edit.FeatureSteps), (uni, nameof(edit.Strength), edit.Strength), (uni, nameof(edit.EditDepth), edit.EditDepth),
        ];
    }
}
