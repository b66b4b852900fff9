using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>The sky: its gradient, sun or moon and stars, rainbow, clouds.</summary>
internal static class Sky
{
    private const string Cloud = "M-26 6Q-36 6 -35 -3Q-33 -11 -23 -10Q-20 -22 -6 -20Q4 -28 14 -18Q27 -20 28 -8Q37 -5 33 2Q31 6 26 6Z";

    public static void Paint(Stage stage, Scene scene)
    {
        var (brush, layout) = (stage.Brush, stage.Layout);
        brush.Part = Part.Sky;
        brush.Veil(new(-6, -6, Layout.Side + 6, layout.Horizon + 34), stage.Light.Sky);
        var covered = scene.Weather is Weather.Rain or Weather.Fog or Weather.Snow;
        switch (scene.Time)
        {
            case TimeOfDay.Night:
                Stars(stage, covered ? 7 : 18);
                Moon(stage);
                break;
            case TimeOfDay.Sunset:
                LowSun(stage);
                break;
            default:
                if (!covered)
                    HighSun(stage);
                break;
        }
        Clouds(stage, scene);
        if (scene.Weather == Weather.Rainbow)
            Rainbow(stage);
    }

    private static float LightX(Stage stage) =>
        (Layout.Side / 2) + (stage.Layout.LightSide * stage.Layout.Range("sun-x", 22, 48));

    private static void HighSun(Stage stage)
    {
        var (brush, x, y) = (stage.Brush, LightX(stage), stage.Layout.Range("sun-y", 13, 26));
        brush.Glow(x, y, 30, 30, Tint.Rgb(0xFFF3B8), 0.85f);
        Disc(brush, x, y, stage.Layout.Range("sun-size", 8, 11), Tint.Rgb(0xFFDD4E));
    }

    private static void LowSun(Stage stage)
    {
        var (brush, x) = (stage.Brush, LightX(stage));
        var y = stage.Layout.Horizon - stage.Layout.Range("sun-low", 4, 13);
        brush.Glow(x, y, 46, 40, Tint.Rgb(0xFFE08A), 0.9f);
        Disc(brush, x, y, stage.Layout.Range("sun-size", 12, 16), Tint.Rgb(0xFFEFA8));
    }

    private static void Moon(Stage stage)
    {
        var (brush, x, y) = (stage.Brush, LightX(stage), stage.Layout.Range("sun-y", 15, 26));
        brush.Glow(x, y, 30, 30, Tint.Rgb(0xC8D8FF), 0.55f);
        brush.Enter(x, y, stage.Layout.Range("sun-size", 8, 11) / 10, -stage.Layout.LightSide);
        if (stage.Layout.Chance("crescent", 0.5f))
            brush.Flat("M4 -12A12.500 12.500 0 1 0 11 7A10 10 0 0 1 4 -12Z", Tint.Rgb(0xFFF2C4));
        else
            brush.Dot(0, 0, 11, 11, Tint.Rgb(0xFFF2C4));
        brush.Leave();
    }

    private static void Stars(Stage stage, int count)
    {
        for (var i = 0; i < count; i++)
        {
            // One star to a column keeps them apart.
            var x = (i + stage.Layout.Range("star-x", 0.15f, 0.85f, i)) * Layout.Side / count;
            var y = stage.Layout.Range("star-y", 4, stage.Layout.Horizon - 6, i);
            var radius = stage.Layout.Range("star-size", 1.0f, 1.8f, i);
            stage.Brush.Dot(x, y, radius, radius, Tint.Fade(Tint.Rgb(0xFFF6D8), 0.9f));
        }
    }

    private static void Rainbow(Stage stage)
    {
        int[] bands = [0xF2574E, 0xFB9A3C, 0xFCDD52, 0x66C26A, 0x4E9CE8, 0x9A6AD0];
        var radius = stage.Layout.Range("bow-size", 52, 70);
        var x = (Layout.Side / 2) - (stage.Layout.LightSide * stage.Layout.Range("bow-x", 0, 20));
        var y = radius + stage.Layout.Range("bow-top", 7, 13);
        for (var i = 0; i < bands.Length; i++)
        {
            using var builder = new SKPathBuilder();
            builder.AddCircle(x, y, radius - (i * 3.4f));
            using var band = builder.Detach();
            stage.Brush.Line(band, Tint.Fade(Tint.Mix(Tint.Rgb(bands[i]), stage.Light.Haze, 0.12f), 0.88f), 3.9f);
        }
    }

    private static void Clouds(Stage stage, Scene scene)
    {
        var layout = stage.Layout;
        var count = 1 + layout.Choice("clouds", 4);
        var color = (scene.Time, scene.Weather) switch
        {
            (TimeOfDay.Night, _) => Tint.Mix(stage.Light.Sky[1], Tint.Rgb(0x8E9ED8), 0.38f),
            (_, Weather.Rain) => Tint.Rgb(0x66768A),
            (TimeOfDay.Sunset, _) => Tint.Mix(stage.Light.Sky[1], Tint.Rgb(0xFFE0C8), 0.45f),
            _ => Tint.Rgb(0xFFFFFF),
        };
        if (scene.Weather == Weather.Rain)
            count += 2;
        for (var i = 0; i < count; i++)
        {
            var size = layout.Range("cloud-size", 0.42f, 0.85f, i) * (scene.Weather == Weather.Rain ? 1.45f : 1);
            var x = layout.Range("cloud-x", -4, Layout.Side + 4, i);
            var y = scene.Weather == Weather.Rain ? layout.Range("cloud-y", 4, 18, i) : layout.Range("cloud-y", 10, layout.Horizon - 14, i);
            stage.Brush.Enter(x, y, size, layout.Chance("cloud-turn", 0.5f, i) ? 1 : -1);
            stage.Brush.Flat(Cloud, Tint.Fade(color, scene.Weather == Weather.Fog ? 0.4f : 0.92f));
            stage.Brush.Leave();
        }
    }

    private static void Disc(Brush brush, float x, float y, float radius, SKColor color)
    {
        brush.Enter(x, y, radius / 10);
        brush.Land("M-10 0A10 10 0 1 1 10 0A10 10 0 1 1 -10 0Z", Tint.Lighten(color, 0.2f), color);
        brush.Leave();
    }
}
