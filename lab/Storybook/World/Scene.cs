namespace PromptToPrompt.Storybook.World;

/// <summary>
/// All properties of an image: those that a caption can name, and <see cref="LayoutSeed"/> for all others
/// (position, size, horizon, shapes of hills and clouds). Two scenes with the same seed share their layout.
/// </summary>
public sealed record Scene
{
    /// <summary>The subject.</summary>
    public required Subject Subject { get; init; }

    /// <summary>The subject's color; null leaves a natural one to the layout seed.</summary>
    public Color? Color { get; init; }

    /// <summary>What else is said about the subject; see <see cref="Allows"/>.</summary>
    public Trait Trait { get; init; }

    /// <summary>A second object beside the subject; null for none.</summary>
    public Subject? Companion { get; init; }

    /// <summary>The place.</summary>
    public required Place Place { get; init; }

    /// <summary>The time of day.</summary>
    public TimeOfDay Time { get; init; }

    /// <summary>The weather or season.</summary>
    public Weather Weather { get; init; }

    /// <summary>The style.</summary>
    public Style Style { get; init; }

    /// <summary>The seed of everything that a caption does not name.</summary>
    public required int LayoutSeed { get; init; }

    /// <summary>All subjects.</summary>
    public static IReadOnlyList<Subject> Subjects { get; } = Enum.GetValues<Subject>();

    /// <summary>The subjects that make good companions: still things that read well when small.</summary>
    public static IReadOnlyList<Subject> Companions { get; } =
        [World.Subject.Tree, World.Subject.House, World.Subject.Flower, World.Subject.Mushroom];

    /// <summary>Whether a subject is an animal.</summary>
    public static bool IsAnimal(Subject subject) => subject <= World.Subject.Horse;

    /// <summary>Whether a trait makes sense for a subject: hats and scarves are for animals, patterns for broad bodies.</summary>
    public static bool Allows(Subject subject, Trait trait) => trait switch
    {
        Trait.Hat or Trait.Scarf => IsAnimal(subject),
        Trait.Striped or Trait.Spotted =>
            IsAnimal(subject) || subject is World.Subject.Car or World.Subject.Boat or World.Subject.Balloon,
        _ => true,
    };

    /// <summary>
    /// Draws a scene at random: animals twice as often as other subjects (their shapes are harder to learn), every slot
    /// often at its default and else uniform, and only combinations that make sense.
    /// </summary>
    public static Scene Sample(Random rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        var subject = SampleSubject(rng);
        var trait = rng.NextDouble() < 0.6 ? Trait.None : Pick<Trait>(rng, first: 1);
        if (!Allows(subject, trait))
            trait = rng.Next(2) == 0 ? Trait.Big : Trait.Small;
        var time = rng.NextDouble() < 0.62 ? TimeOfDay.Day : Pick<TimeOfDay>(rng, first: 1);
        var weather = rng.NextDouble() < 0.55 ? Weather.Clear : Pick<Weather>(rng, first: 1);
        if (weather == Weather.Rainbow && time == TimeOfDay.Night)
            weather = Weather.Clear;
        Subject? companion = null;
        if (rng.NextDouble() < 0.14)
        {
            companion = Companions[rng.Next(Companions.Count)];
            if (companion == subject)
                companion = null;
        }
        return new Scene
        {
            Subject = subject,
            Color = rng.NextDouble() < 0.35 ? null : Pick<Color>(rng, first: 0),
            Trait = trait,
            Companion = companion,
            Place = Pick<Place>(rng, first: 0),
            Time = time,
            Weather = weather,
            Style = rng.NextDouble() < 0.5 ? Style.Image : Pick<Style>(rng, first: 1),
            LayoutSeed = rng.Next(),
        };
    }

    private static Subject SampleSubject(Random rng)
    {
        var animals = Subjects.Count(IsAnimal);
        var ticket = rng.Next(Subjects.Count + animals);
        return Subjects[ticket < Subjects.Count ? ticket : ticket - Subjects.Count];
    }

    private static T Pick<T>(Random rng, int first)
        where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        return values[rng.Next(first, values.Length)];
    }
}
