namespace PromptToPrompt.Storybook.World;

/// <summary>A caption of a scene, with the words that name parts of the image.</summary>
/// <param name="Text">The caption: at most 25 words, separated by single spaces.</param>
/// <param name="Grounding">The words that name a part, in order, without articles and prepositions.</param>
public sealed record Caption(string Text, IReadOnlyList<Grounding> Grounding)
{
    /// <summary>
    /// Words a scene like a user, differently every time. Values that differ from the default are named, but occasionally a color or
    /// the place is omitted, so that the model learns that anything may appear without the word.
    /// </summary>
    public static Caption Compose(Scene scene, Random rng)
    {
        ArgumentNullException.ThrowIfNull(scene);
        ArgumentNullException.ThrowIfNull(rng);
        return new Wording(scene, rng.Next).Write();
    }

    /// <summary>
    /// The plain wording of a scene, always the same. Scenes that differ in subject, named color or place have
    /// captions of the same length; a style, time or weather that only one of them has adds words.
    /// </summary>
    public static Caption Canonical(Scene scene)
    {
        ArgumentNullException.ThrowIfNull(scene);
        return new Wording(scene, _ => 0).Write();
    }
}
