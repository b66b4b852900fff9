namespace PromptToPrompt.Storybook.World;

/// <summary>A sentence about a scene, and which of its words name which part of the picture.</summary>
/// <param name="Text">The sentence: at most 25 words, one blank between words.</param>
/// <param name="Grounding">The words that name a part, in order. Articles and prepositions name nothing and are left out.</param>
public sealed record Caption(string Text, IReadOnlyList<Grounding> Grounding)
{
    /// <summary>
    /// Words a scene as a user might, differently every time. What is not at its default is named, save that now and
    /// then a colour or the place is left out: a model so learns that without the word anything may come.
    /// </summary>
    public static Caption Compose(Scene scene, Random rng)
    {
        ArgumentNullException.ThrowIfNull(scene);
        ArgumentNullException.ThrowIfNull(rng);
        return new Wording(scene, rng.Next).Write();
    }

    /// <summary>
    /// The plain wording of a scene, always the same. Scenes that differ in subject, in named colour or in place have
    /// captions of equally many words; a style, time or weather that one of them lacks only adds words.
    /// </summary>
    public static Caption Canonical(Scene scene)
    {
        ArgumentNullException.ThrowIfNull(scene);
        return new Wording(scene, _ => 0).Write();
    }
}
