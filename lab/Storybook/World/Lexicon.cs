namespace PromptToPrompt.Storybook.World;

/// <summary>
/// The phrases for each value of each slot. The first of each list is the canonical one; a phrase stands more than once
/// where it should be used more often. A star marks the words that name something.
/// </summary>
internal static class Lexicon
{
    public static readonly string[] Hats = ["with a *hat", "with a *hat", "wearing a *hat", "in a *hat"];
    public static readonly string[] Scarves = ["with a *scarf", "with a *scarf", "wearing a *scarf", "in a *scarf"];
    public static readonly string[] Stripes = ["with *stripes"];
    public static readonly string[] Spots = ["with *spots"];
    public static readonly string[] SunnyDay = ["on a *sunny *day"];

    public static string[] Nouns(Subject subject) => subject switch
    {
        Subject.Cat => ["*cat", "*cat", "*cat", "*cat", "*cat", "*kitten"],
        Subject.Dog => ["*dog", "*dog", "*dog", "*dog", "*dog", "*puppy"],
        Subject.Rabbit => ["*rabbit", "*rabbit", "*rabbit", "*rabbit", "*bunny"],
        Subject.Boat => ["*boat", "*boat", "*boat", "*boat", "*boat", "*sailboat"],
        _ => ["*" + subject.ToString().ToLowerInvariant()],
    };

    public static string Adjective(Color color) => "*" + color.ToString().ToLowerInvariant();

    /// <summary>Words before the noun; none for traits that follow it.</summary>
    public static string[] Adjectives(Trait trait) => trait switch
    {
        Trait.Big => ["*big", "*big", "*large", "*huge"],
        Trait.Small => ["*small", "*small", "*little", "*tiny"],
        Trait.Striped => ["*striped"],
        Trait.Spotted => ["*spotted"],
        _ => [],
    };

    public static string[] Companions(Subject companion)
    {
        var noun = Nouns(companion)[0];
        return [$"and a {noun}", $"and a {noun}", $"next to a {noun}", $"near a {noun}"];
    }

    public static string[] Places(Place place, Subject subject) => (place, subject) switch
    {
        (Place.River, Subject.Boat) => ["on a *river", "on the *river"],
        (Place.Lake, Subject.Boat) => ["on a *lake", "on the *lake"],
        (Place.River, _) => ["by a *river", "by the *river", "next to a *river", "next to a *river", "near a *river"],
        (Place.Beach, _) => ["on the *beach", "on the *beach", "on a *beach", "at the *beach"],
        (Place.Mountains, _) => ["in the *mountains", "in the *mountains", "near the *mountains"],
        (Place.Field, _) => ["in a *field", "in a *field", "in the *field", "in a *meadow"],
        (Place.Forest, _) => ["in a *forest", "in a *forest", "in the *forest", "in the *woods"],
        (Place.City, _) => ["in the *city", "in the *city", "in a *city", "in the *town"],
        (Place.Desert, _) => ["in the *desert", "in the *desert", "in a *desert"],
        (Place.Lake, _) => ["by a *lake", "by the *lake", "next to a *lake", "near a *lake"],
        _ => throw new ArgumentOutOfRangeException(nameof(place)),
    };

    /// <summary>Words for the weather before the noun of the place; none for weather that is not said so.</summary>
    public static string[] Adjectives(Weather weather) => weather switch
    {
        Weather.Snow => ["*snowy"],
        Weather.Rain => ["*rainy"],
        Weather.Fog => ["*foggy"],
        Weather.Autumn => ["*autumn"],
        _ => [],
    };

    public static string[] Times(TimeOfDay time) => time switch
    {
        TimeOfDay.Night => ["at *night", "at *night", "at *night", "under the *stars", "on a *starry *night"],
        TimeOfDay.Sunset => ["at *sunset", "at *sunset", "during *sunset", "in the *sunset"],
        _ => [],
    };

    public static string[] Weathers(Weather weather, TimeOfDay time) => (weather, time) switch
    {
        (Weather.Snow, TimeOfDay.Day) => ["in the *snow", "in the *snow", "in *winter", "in *winter", "on a *snowy *day"],
        (Weather.Snow, _) => ["in the *snow", "in the *snow", "in *winter"],
        (Weather.Rain, TimeOfDay.Day) => ["in the *rain", "in the *rain", "on a *rainy *day"],
        (Weather.Rain, _) => ["in the *rain"],
        (Weather.Rainbow, _) => ["with a *rainbow", "with a *rainbow", "under a *rainbow", "and a *rainbow"],
        (Weather.Fog, TimeOfDay.Day) => ["in the *fog", "in the *fog", "in the *mist", "on a *foggy *day"],
        (Weather.Fog, _) => ["in the *fog", "in the *mist"],
        (Weather.Autumn, TimeOfDay.Day) => ["in *autumn", "in *autumn", "on an *autumn *day"],
        (Weather.Autumn, _) => ["in *autumn"],
        _ => [],
    };

    public static string[] Styles(Style style) => style switch
    {
        Style.Image => ["", "", "", "", "a *picture of", "a *painting of", "an *illustration of"],
        Style.Photo => ["a *photo of", "a *photo of", "a *photograph of"],
        Style.Drawing => ["a *children's *drawing of", "a *children's *drawing of", "a *child's *drawing of", "a *crayon *drawing of"],
        Style.Watercolor => ["a *watercolor of", "a *watercolor of", "a *watercolor *painting of"],
        Style.Sketch => ["a *pencil *sketch of", "a *pencil *sketch of", "a *sketch of"],
        _ => throw new ArgumentOutOfRangeException(nameof(style)),
    };

    /// <summary>A style named after a comma, at the end.</summary>
    public static string StyleAtEnd(Style style) => style switch
    {
        Style.Photo => "*photo",
        Style.Drawing => "*children's *drawing",
        Style.Watercolor => "*watercolor",
        Style.Sketch => "*pencil *sketch",
        _ => throw new ArgumentOutOfRangeException(nameof(style)),
    };

    /// <summary>Every phrase of every list.</summary>
    public static IEnumerable<string> All()
    {
        IEnumerable<string> phrases = ["a", "an", .. Hats, .. Scarves, .. Stripes, .. Spots, .. SunnyDay];
        foreach (var subject in Enum.GetValues<Subject>())
        {
            phrases = phrases.Concat(Nouns(subject)).Concat(Companions(subject));
            foreach (var place in Enum.GetValues<Place>())
                phrases = phrases.Concat(Places(place, subject));
        }
        foreach (var weather in Enum.GetValues<Weather>())
        {
            phrases = phrases.Concat(Adjectives(weather));
            foreach (var time in Enum.GetValues<TimeOfDay>())
                phrases = phrases.Concat(Weathers(weather, time));
        }
        return phrases
            .Concat(Enum.GetValues<Color>().Select(Adjective))
            .Concat(Enum.GetValues<Trait>().SelectMany(Adjectives))
            .Concat(Enum.GetValues<TimeOfDay>().SelectMany(Times))
            .Concat(Enum.GetValues<Style>().SelectMany(Styles));
    }
}
