namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Puts companion and subject on the stage, with their shadows.</summary>
internal static class Cast
{
    public static void Paint(Stage stage, Scene scene)
    {
        var layout = stage.Layout;
        var height = layout.SubjectHeight(scene.Trait);
        if (scene.Companion is { } companion)
        {
            // Behind the subject, on the side with more room.
            var subjectX = layout.SubjectX(layout.SubjectHeight(Trait.None));
            var side = subjectX > Layout.Side / 2 ? -1 : 1;
            var size = layout.Range("companion-size", 34, 50) * Presence(companion);
            var x = subjectX > Layout.Side / 2 ? layout.Range("companion-x", 18, Math.Max(24, subjectX - 42)) : layout.Range("companion-x", Math.Min(104, subjectX + 42), 110);
            var foot = Math.Max(layout.Horizon + 14, layout.BaseY - layout.Range("companion-depth", 2, 12));
            Stand(stage, companion, new Coat(companion, null, Trait.None, stage.Light, layout), Part.Companion, x, foot, size, side);
        }
        var coat = new Coat(scene.Subject, scene.Color, scene.Trait, stage.Light, layout);
        var (left, baseline) = Spot(scene, layout, height);
        Stand(stage, scene.Subject, coat, Part.Subject, left, baseline, height * Presence(scene.Subject), layout.Flipped ? -1 : 1);
    }

    // How tall a subject of the layout's height is drawn: long things are lower, tall things higher.
    private static float Presence(Subject subject) => subject switch
    {
        Subject.Castle => 0.90f,
        Subject.Tree => 1.08f,
        Subject.Dog => 0.96f,
        Subject.Bird => 0.90f,
        Subject.Horse => 0.98f,
        Subject.Boat => 0.90f,
        Subject.Mushroom => 0.85f,
        _ => 1,
    };

    private static (float X, float Y) Spot(Scene scene, Layout layout, float height)
    {
        var room = Math.Min(Layout.Side / 2, (height * HalfWidth(scene.Subject)) + 3);
        var (x, y) = (Math.Clamp(layout.SubjectX(height), room, Layout.Side - room), layout.BaseY);
        return (scene.Subject, scene.Place) switch
        {
            // Boats float where there is water.
            (Subject.Boat, Place.Beach or Place.Lake) => (x, Math.Max(layout.Horizon + 10, Grounds.Shore(layout) - 5)),
            (Subject.Boat, Place.River) => (Math.Clamp(Grounds.RiverX(layout, y), room, Layout.Side - room), y),
            (Subject.Balloon, _) => (x, Math.Max(y - layout.Range("float", 14, 26), (height * 1.02f) + 6)),
            _ => (x, y),
        };
    }

    // Half the width of a subject, as a share of the layout's height.
    private static float HalfWidth(Subject subject) => subject switch
    {
        Subject.Car => 0.64f,
        Subject.Dog or Subject.Horse => 0.65f,
        Subject.Bird or Subject.Cat => 0.58f,
        _ => 0.52f,
    };

    private static void Stand(Stage stage, Subject subject, Coat coat, Part part, float x, float y, float height, float turn)
    {
        var brush = stage.Brush;
        brush.Part = Part.Whole;
        var afloat = subject == Subject.Balloon;
        var shadowY = afloat ? stage.Layout.BaseY : y;
        brush.Glow(
            x - (stage.Layout.LightSide * height * 0.07f),
            shadowY,
            height * (afloat ? 0.30f : Reach(subject)),
            Math.Max(2.5f, height * 0.085f),
            stage.Light.Dark ? Tint.Rgb(0x0A0E30) : Tint.Rgb(0x2A2440),
            brush.Style is Style.Drawing ? 0.30f : afloat ? 0.30f : 0.62f);
        brush.Part = part;
        brush.Enter(x, y, height / 100, turn);
        Figures.Draw(brush, subject, coat);
        brush.Leave();
    }

    // Half the width of a subject's shadow, as a share of its height.
    private static float Reach(Subject subject) => subject switch
    {
        Subject.Car or Subject.House or Subject.Castle => 0.72f,
        Subject.Flower => 0.30f,
        Subject.Mushroom or Subject.Tree => 0.40f,
        Subject.Bird => 0.42f,
        _ => 0.56f,
    };
}
