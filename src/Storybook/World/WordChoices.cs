namespace PromptToPrompt.Storybook.World;

/// <summary>Which words the embedded model knows in the place of another, and which phrases it knows to add.</summary>
public static class WordChoices
{
    private static readonly IReadOnlyList<IReadOnlyList<string>> Groups =
    [
        [.. Enum.GetValues<Colour>().Select(Lexicon.Adjective).Select(Plain)],
        [.. Scene.Subjects.SelectMany(Lexicon.Nouns).Select(Plain).Distinct()],
        [.. Enum.GetValues<Place>().SelectMany(place => Lexicon.Places(place, Subject.House)).Select(phrase => Plain(phrase).Split(' ')[^1]).Distinct()],
        [.. Lexicon.Times(TimeOfDay.Night).Concat(Lexicon.Times(TimeOfDay.Sunset)).Select(phrase => Plain(phrase).Split(' ')[^1]).Distinct()],
        [.. Enum.GetValues<Trait>().SelectMany(Lexicon.Adjectives).Select(Plain).Distinct()],
        [.. Enum.GetValues<Weather>().SelectMany(Lexicon.Adjectives).Select(Plain).Distinct()],
        [.. Enum.GetValues<Weather>().SelectMany(weather => Lexicon.Weathers(weather, TimeOfDay.Night)).Select(phrase => Plain(phrase).Split(' ')[^1]).Distinct()],
        ["photo", "picture", "painting", "illustration", "drawing", "watercolor", "sketch"],
    ];

    /// <summary>Phrases that go behind a sentence.</summary>
    public static IReadOnlyList<string> Endings { get; } =
    [
        "at night", "at sunset", "in the snow", "in the rain", "in the fog", "in autumn", "with a rainbow", "next to a tree", "and a flower",
    ];

    /// <summary>Phrases that go before a sentence.</summary>
    public static IReadOnlyList<string> Beginnings { get; } = ["a watercolor of", "a children's drawing of", "a pencil sketch of", "a photo of"];

    /// <summary>Words that go before the name of a thing.</summary>
    public static IReadOnlyList<string> Adjectives { get; } = [.. Groups[0], .. Groups[4]];

    /// <summary>Words of the same kind; empty for words that name nothing.</summary>
    public static IReadOnlyList<string> InsteadOf(string word)
    {
        var bare = word.Trim('.', ',', ';', '!', '?').ToLowerInvariant();
        return Groups.FirstOrDefault(group => group.Contains(bare)) is { } group ? [.. group.Where(other => other != bare)] : [];
    }

    private static string Plain(string phrase) => phrase.Replace("*", "", StringComparison.Ordinal);
}
