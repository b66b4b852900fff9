using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Editing.Methods;

/// <summary>The methods of an edit, as a command or a plan names them: an inversion method, an editing method, or both as <c>INVERSION+EDITING</c>.</summary>
/// <param name="Inversion">Name of the inversion method; null for the one that suits the editing method.</param>
/// <param name="Editing">Name of the editing method; null for Prompt-to-Prompt.</param>
internal sealed record MethodChoice(string? Inversion, string? Editing)
{
    /// <summary>The forms that <see cref="Parse"/> reads, for messages.</summary>
    public static string Form => $"{string.Join(", ", EditMethod.Names)} (editing), {string.Join(", ", InversionMethod.Names)} (inversion), or both such as direct+masactrl";

    /// <summary>All single names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. EditMethod.Names, .. InversionMethod.Names];

    /// <summary>The choice of a user who names no method: Prompt-to-Prompt, with the inversion that suits it.</summary>
    public static MethodChoice Usual { get; } = new(null, new PromptToPromptMethod().Name);

    /// <exception cref="FormatException">A name is unknown, or two methods of one kind are combined.</exception>
    public static MethodChoice Parse(string text)
    {
        if (Find(EditMethod.Names, text) is { } alone)
            return new(null, alone);
        // The name of an editing method may end with the sign.
        return text.Split('+', 2) switch
        {
            [var only] when Find(InversionMethod.Names, only) is { } inversion => new(inversion, null),
            [var first, var second] when Find(InversionMethod.Names, first) is { } inversion && Find(EditMethod.Names, second) is { } editing => new(inversion, editing),
            _ => throw new FormatException(),
        };
    }

    /// <summary>The valid text that is meant by an invalid one; null if none is similar.</summary>
    public static string? Suggest(string text) =>
        text.Split('+', 2) is [var first, { Length: > 0 } second] && Near(InversionMethod.Names, first) is { } inversion && Near(EditMethod.Names, second) is { } editing ? $"{inversion}+{editing}"
        : Suggestion.For(text, Names);

    /// <summary>The editing method, with default options.</summary>
    public EditMethod EditMethod => Editing is null ? new PromptToPromptMethod() : EditMethod.Named(Editing);

    /// <summary>The inversion method, with the options that suit the editing method: the chosen one, or else the one that suits the editing method.</summary>
    /// <param name="editing">The editing method, with its options; null for <see cref="EditMethod"/>.</param>
    public InversionMethod InversionFor(EditMethod? editing = null)
    {
        editing ??= EditMethod;
        return InversionMethod.Named(Inversion ?? editing.UsualInversion) switch
        {
            // Uni-Edit needs no more than it edits.
            UniInversion when editing is UniEdit edit => new UniInversion { Depth = edit.EditDepth },
            EditFriendlyInversion when editing is TurboEdit => TurboEdit.Inversion,
            EditFriendlyInversion when editing is LeditsPlusPlus => LeditsPlusPlus.Inversion,
            var usual => usual,
        };
    }

    /// <summary>The text of <see cref="Parse"/>.</summary>
    public override string ToString() => string.Join('+', new[] { Inversion, Editing }.OfType<string>());

    private static string? Near(IReadOnlyList<string> names, string text) => Find(names, text) ?? Suggestion.For(text, names);

    private static string? Find(IEnumerable<string> names, string text) => names.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
}
