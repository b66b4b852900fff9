namespace PromptToPrompt.Storybook.World;

/// <summary>Puts one scene into words. Every decision is a call of the chooser; one that always answers 0 gives the canonical form.</summary>
/// <param name="scene">The scene.</param>
/// <param name="choose">Given n, answers a number in 0..n−1.</param>
internal sealed class Wording(Scene scene, Func<int, int> choose)
{
    private readonly List<(string Text, Part? Part)> words = [];

    public Caption Write()
    {
        var style = Pick(Lexicon.Styles(scene.Style));
        var styleAtEnd = scene.Style != Style.Image && Rarely(10);
        var time = Time();
        var timeFirst = style.Length == 0 && time.Length > 0 && Rarely(14);
        if (timeFirst)
        {
            Say(time, Part.Sky);
            Comma();
        }
        else if (!styleAtEnd)
        {
            Say(style, Part.Whole);
        }
        Figure(bare: words.Count == 0 && Rarely(12));
        Tail(timeFirst ? "" : time);
        if (styleAtEnd)
        {
            Comma();
            Say(Lexicon.StyleAtEnd(scene.Style), Part.Whole);
        }
        return Finish();
    }

    private void Figure(bool bare)
    {
        if (!bare)
            Say("a", Part.Subject);
        var (adjectives, after) = scene.Trait switch
        {
            Trait.Hat => ([], Lexicon.Hats),
            Trait.Scarf => ([], Lexicon.Scarves),
            Trait.Striped when Rarely(4) => ([], Lexicon.Stripes),
            Trait.Spotted when Rarely(4) => ([], Lexicon.Spots),
            _ => (Lexicon.Adjectives(scene.Trait), Array.Empty<string>()),
        };
        Say(Pick(adjectives), Part.Subject);
        if (scene.Color is { } color && !Rarely(20))
            Say(Lexicon.Adjective(color), Part.Subject);
        Say(Pick(Lexicon.Nouns(scene.Subject)), Part.Subject);
        Say(Pick(after), scene.Trait is Trait.Hat or Trait.Scarf ? Part.Accessory : Part.Subject);
        if (scene.Companion is { } companion)
            Say(Pick(Lexicon.Companions(companion)), Part.Companion);
    }

    private void Tail(string time)
    {
        var adjective = Pick(Lexicon.Adjectives(scene.Weather));
        var place = Rarely(10) ? "" : Pick(Lexicon.Places(scene.Place, scene.Subject));
        var weather = Pick(Lexicon.Weathers(scene.Weather, scene.Time));
        var weatherPart = scene.Weather == Weather.Rainbow ? Part.Sky : Part.Whole;
        var inPlace = place.Length > 0 && adjective.Length > 0 && Rarely(6);
        var weatherFirst = !inPlace && Rarely(4);
        var timeEarly = Rarely(5);
        if (weatherFirst)
            Say(weather, weatherPart);
        if (inPlace)
        {
            var noun = place.IndexOf('*', StringComparison.Ordinal);
            Say(place[..noun].TrimEnd(), Part.Place);
            Say(adjective, weatherPart);
            Say(place[noun..], Part.Place);
        }
        else
        {
            Say(place, Part.Place);
        }
        if (timeEarly)
            Say(time, Part.Sky);
        if (!inPlace && !weatherFirst)
            Say(weather, weatherPart);
        if (!timeEarly)
            Say(time, Part.Sky);
    }

    private string Time()
    {
        if (scene.Time != TimeOfDay.Day)
            return Pick(Lexicon.Times(scene.Time));
        return scene.Weather is Weather.Clear or Weather.Rainbow && Rarely(10) ? Pick(Lexicon.SunnyDay) : "";
    }

    private bool Rarely(int oneIn) => choose(oneIn) == oneIn - 1;

    private string Pick(string[] phrases) => phrases.Length == 0 ? "" : phrases[choose(phrases.Length)];

    // Adds the words of a phrase; those with a star name the part.
    private void Say(string phrase, Part part)
    {
        foreach (var word in phrase.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            words.Add(word[0] == '*' ? (word[1..], part) : (word, null));
    }

    private void Comma() => words[^1] = (words[^1].Text + ",", words[^1].Part);

    private Caption Finish()
    {
        for (var i = 0; i + 1 < words.Count; i++)
        {
            if (words[i].Text is "a" or "an")
                words[i] = ("aeiou".Contains(words[i + 1].Text[0], StringComparison.Ordinal) ? "an" : "a", null);
        }
        var ending = choose(8);
        if (ending >= 6)
            words[0] = (char.ToUpperInvariant(words[0].Text[0]) + words[0].Text[1..], words[0].Part);
        if (ending == 7)
            words[^1] = (words[^1].Text + ".", words[^1].Part);
        var grounding = new List<Grounding>();
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i].Part is { } part)
                grounding.Add(new Grounding(words[i].Text.TrimEnd(',', '.'), i, part));
        }
        return new Caption(string.Join(' ', words.Select(word => word.Text)), grounding);
    }
}
