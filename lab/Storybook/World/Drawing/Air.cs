using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>What is in the air: fog, and falling snow, rain and leaves.</summary>
internal static class Air
{
    /// <summary>Fog between the place and the figures.</summary>
    public static void Fog(Stage stage)
    {
        stage.Brush.Part = Part.Whole;
        var (fog, horizon) = (stage.Light.Haze, stage.Layout.Horizon);
        stage.Brush.Veil(new(-6, horizon - 40, Layout.Side + 6, horizon + 6), [Tint.Fade(fog, 0), Tint.Fade(fog, 0.82f)]);
        stage.Brush.Veil(new(-6, horizon + 6, Layout.Side + 6, Layout.Side + 6), [Tint.Fade(fog, 0.82f), Tint.Fade(fog, 0.12f)]);
    }

    /// <summary>What falls in front of everything.</summary>
    public static void Fall(Stage stage, Weather weather)
    {
        stage.Brush.Part = Part.Whole;
        switch (weather)
        {
            case Weather.Snow:
                Scatter(stage, 30, (i, x, y) =>
                {
                    var radius = stage.Layout.Range("flake", 1.5f, 2.7f, i);
                    stage.Brush.Dot(x, y, radius, radius, Tint.Fade(SKColors.White, 0.95f));
                });
                break;
            case Weather.Rain:
                Scatter(stage, 26, (i, x, y) =>
                {
                    stage.Brush.Enter(x, y, stage.Layout.Range("drop", 0.8f, 1.25f, i));
                    stage.Brush.Line("M0 0L-3 9", Tint.Fade(Tint.Rgb(0xDCEBF8), 0.62f), 2.1f);
                    stage.Brush.Leave();
                });
                break;
            case Weather.Autumn:
                int[] leaves = [0xE0622C, 0xF2A32E, 0xC23E2A];
                Scatter(stage, 12, (i, x, y) =>
                {
                    stage.Brush.Enter(x, y, stage.Layout.Range("leaf", 0.8f, 1.2f, i), i % 2 == 0 ? 1 : -1);
                    stage.Brush.Flat("M-3.500 2.500Q-3 -3 3.500 -3Q4 3 -3.500 2.500Z", stage.On(Material.Figure, leaves[i % leaves.Length]));
                    stage.Brush.Leave();
                });
                break;
        }
    }

    // A jittered grid: even, but not regular.
    private static void Scatter(Stage stage, int count, Action<int, float, float> draw)
    {
        var columns = (int)MathF.Ceiling(MathF.Sqrt(count));
        var rows = (count + columns - 1) / columns;
        for (var i = 0; i < count; i++)
        {
            var x = ((i % columns) + stage.Layout.Range("fall-x", 0.08f, 0.92f, i)) * Layout.Side / columns;
            var y = ((i / columns) + stage.Layout.Range("fall-y", 0.08f, 0.92f, i)) * Layout.Side / rows;
            draw(i, x, y);
        }
    }
}
