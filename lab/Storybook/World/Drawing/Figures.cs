namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Draws any subject.</summary>
internal static class Figures
{
    /// <summary>Draws a subject that stands on the current origin, 100 high.</summary>
    public static void Draw(Brush brush, Subject subject, Coat coat)
    {
        Action<Brush, Coat> draw = subject switch
        {
            Subject.Cat => Animals.Cat,
            Subject.Dog => Animals.Dog,
            Subject.Rabbit => Animals.Rabbit,
            Subject.Bird => Animals.Bird,
            Subject.Horse => Animals.Horse,
            Subject.House => Buildings.House,
            Subject.Castle => Buildings.Castle,
            Subject.Tree => Plants.Tree,
            Subject.Car => Vehicles.Car,
            Subject.Boat => Vehicles.Boat,
            Subject.Balloon => Vehicles.Balloon,
            Subject.Flower => Plants.Flower,
            Subject.Mushroom => Plants.Mushroom,
            _ => throw new ArgumentOutOfRangeException(nameof(subject)),
        };
        draw(brush, coat);
    }
}
