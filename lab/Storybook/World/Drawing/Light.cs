using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Season, weather and time of day as a change of colors. Geometry never depends on it.</summary>
internal sealed class Light
{
    private static readonly SKColor Snow = Tint.Rgb(0xEEF4FC);

    private readonly TimeOfDay time;
    private readonly Weather weather;

    public Light(Scene scene, Layout layout)
    {
        time = scene.Time;
        weather = scene.Weather;
        Sky = SkyOf(scene.Time, scene.Weather, layout);
    }

    /// <summary>The sky from the top to the horizon.</summary>
    public SKColor[] Sky { get; }

    /// <summary>Lamps and windows are lit.</summary>
    public bool LampsLit => time != TimeOfDay.Day;

    /// <summary>It is dark.</summary>
    public bool Dark => time == TimeOfDay.Night;

    /// <summary>The color of distance.</summary>
    public SKColor Haze => Sky[^1];

    /// <summary>A color as it looks in this light.</summary>
    /// <param name="material">What it is the color of.</param>
    /// <param name="color">The color in plain daylight in summer.</param>
    /// <param name="distance">0 near .. 1 at the horizon: how far the haze has taken it.</param>
    public SKColor On(Material material, SKColor color, float distance = 0)
    {
        var seasoned = Seasoned(material, color);
        if (weather == Weather.Rain && material != Material.Figure)
            seasoned = Tint.Scale(Tint.Saturate(seasoned, 0.66f), 0.86f, 0.89f, 0.93f);
        var lit = Lit(material, seasoned);
        var haze = weather == Weather.Fog ? 0.30f + (0.62f * distance) : 0.62f * distance;
        if (material == Material.Figure)
            haze = weather == Weather.Fog ? 0.10f : 0;
        return Tint.Mix(lit, Haze, haze);
    }

    private SKColor Seasoned(Material material, SKColor color) => (weather, material) switch
    {
        (Weather.Snow, Material.Grass) => Tint.Mix(color, Snow, 0.90f),
        (Weather.Snow, Material.Ground) => Tint.Mix(color, Snow, 0.80f),
        (Weather.Snow, Material.Leaf) => Tint.Mix(Tint.Saturate(color, 0.5f), Snow, 0.62f),
        (Weather.Snow, Material.Evergreen) => Tint.Mix(Tint.Saturate(color, 0.7f), Snow, 0.42f),
        (Weather.Snow, Material.Rock) => Tint.Mix(color, Snow, 0.55f),
        (Weather.Snow, Material.Water) => Tint.Mix(color, Tint.Rgb(0xB4D4E8), 0.45f),
        (Weather.Autumn, Material.Grass) => Tint.Mix(color, Tint.Rgb(0xD8A648), 0.72f),
        // Light greens turn gold, dark ones russet, so that a wood keeps its tones.
        (Weather.Autumn, Material.Leaf) =>
            Tint.Mix(Tint.Rgb(0xB0442A), Tint.Rgb(0xF2AE3C), Math.Clamp((Tint.Luma(color) - 90) / 80, 0, 1)),
        (Weather.Autumn, Material.Evergreen) => Tint.Mix(color, Tint.Rgb(0x8A7A34), 0.35f),
        _ => color,
    };

    private SKColor Lit(Material material, SKColor color) => (time, material) switch
    {
        (TimeOfDay.Night, Material.Figure) => Tint.Mix(Tint.Scale(color, 0.84f, 0.84f, 0.94f), Tint.Rgb(0x30409A), 0.08f),
        (TimeOfDay.Night, Material.Grass or Material.Ground) when weather == Weather.Snow =>
            Tint.Mix(Tint.Scale(color, 0.60f, 0.68f, 0.88f), Tint.Rgb(0x3A58A8), 0.20f),
        (TimeOfDay.Night, Material.Water) => Tint.Mix(Tint.Scale(color, 0.42f, 0.60f, 0.86f), Sky[2], 0.45f),
        (TimeOfDay.Night, _) => Tint.Mix(Tint.Scale(color, 0.46f, 0.55f, 0.80f), Tint.Rgb(0x24408C), 0.30f),
        (TimeOfDay.Sunset, Material.Figure) => Tint.Mix(Tint.Scale(color, 0.98f, 0.90f, 0.88f), Tint.Rgb(0xFF8C50), 0.07f),
        (TimeOfDay.Sunset, Material.Water) => Tint.Mix(Tint.Scale(color, 0.95f, 0.72f, 0.92f), Sky[1], 0.45f),
        (TimeOfDay.Sunset, _) => Tint.Mix(Tint.Scale(color, 1.02f, 0.80f, 0.68f), Tint.Rgb(0x9A4A86), 0.20f),
        _ => color,
    };

    private static SKColor[] SkyOf(TimeOfDay time, Weather weather, Layout layout)
    {
        int[][] choices = time switch
        {
            TimeOfDay.Night => [[0x0E1440, 0x202E70, 0x465AA0], [0x161044, 0x2C2A72, 0x5A54A2], [0x0A1A40, 0x1A3A70, 0x3E6A9C]],
            TimeOfDay.Sunset => [[0x6A4A9A, 0xE8688A, 0xFFA25C, 0xFFDC8C], [0x4A5AA8, 0xD86A9A, 0xFF9468, 0xFFCB78], [0x8A4A86, 0xF0705C, 0xFFAE4E, 0xFFE494]],
            _ => [[0x58ACE8, 0x94D0F4, 0xD8F0FA], [0x70C0E0, 0xB4E2EA, 0xFFF4D8], [0x4C98DE, 0x86C2F0, 0xC8E8F8]],
        };
        var sky = choices[layout.Choice("sky", choices.Length)].Select(Tint.Rgb).ToArray();
        // The day's own colors give way to the weather's; night and sunset keep most of theirs.
        var (veil, share) = weather switch
        {
            Weather.Snow => (Tint.Rgb(time == TimeOfDay.Night ? 0x4A5C94 : 0xDCE8F2), 0.55f),
            Weather.Rain => (Tint.Rgb(time == TimeOfDay.Night ? 0x2A3450 : 0x8696A8), 0.80f),
            Weather.Fog => (Tint.Rgb(time == TimeOfDay.Night ? 0x5A6690 : 0xDEE2E4), 0.78f),
            Weather.Autumn => (Tint.Rgb(time == TimeOfDay.Night ? 0x3A2E62 : 0xF6DDA8), 0.35f),
            _ => (SKColors.White, 0f),
        };
        if (time == TimeOfDay.Night)
            share *= 0.6f;
        else if (time == TimeOfDay.Sunset)
            share *= 0.5f;
        for (var i = 0; i < sky.Length; i++)
            sky[i] = Tint.Mix(sky[i], veil, share * (i == 0 ? 0.85f : 1));
        return sky;
    }
}
