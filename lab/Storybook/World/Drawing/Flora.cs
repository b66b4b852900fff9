namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Plants of the background, standing on (x, y) with a height in units.</summary>
internal static class Flora
{
    public static void RoundTree(Stage stage, float x, float y, float height, float distance, int crown)
    {
        var brush = stage.Brush;
        brush.Enter(x, y, height / 100);
        brush.Land("M-7 -40L7 -40L9 0L-9 0Z", stage.On(Material.Thing, 0x8A5E42, distance), stage.On(Material.Thing, 0x6E4632, distance));
        var leaf = stage.On(Material.Leaf, crown, distance);
        brush.Land(
            "M-30 -30C-52 -36 -50 -66 -30 -74C-26 -98 26 -98 30 -74C50 -66 52 -36 30 -30C12 -24 -12 -24 -30 -30Z",
            Tint.Lighten(leaf, 0.14f),
            Tint.Shadow(leaf, 0.26f));
        brush.Leave();
    }

    public static void Pine(Stage stage, float x, float y, float height, float distance)
    {
        var brush = stage.Brush;
        brush.Enter(x, y, height / 100);
        brush.Land("M-6 -20L6 -20L7 0L-7 0Z", stage.On(Material.Thing, 0x7A5440, distance), stage.On(Material.Thing, 0x664432, distance));
        brush.Land(
            "M0 -100Q3 -100 6 -94L20 -66L13 -67L29 -40L21 -41L36 -13Q0 -8 -36 -13L-21 -41L-29 -40L-13 -67L-20 -66L-6 -94Q-3 -100 0 -100Z",
            stage.On(Material.Evergreen, 0x4E9A74, distance),
            stage.On(Material.Evergreen, 0x2C6E58, distance));
        brush.Leave();
    }

    public static void Palm(Stage stage, float x, float y, float height, float turn)
    {
        var brush = stage.Brush;
        brush.Enter(x, y, height / 100, turn);
        brush.Limb("M0 0C4 -30 10 -54 24 -76", stage.On(Material.Thing, 0xA9744A), 8);
        var (light, dark) = (stage.On(Material.Leaf, 0x58B860), stage.On(Material.Leaf, 0x2F8A50));
        brush.Land("M24 -78C10 -98 -14 -96 -24 -78C-8 -84 8 -82 24 -74Z", light, dark);
        brush.Land("M24 -78C36 -100 62 -98 72 -80C56 -86 40 -84 24 -74Z", light, dark);
        brush.Land("M24 -78C8 -80 -10 -66 -12 -46C0 -60 12 -68 26 -74Z", light, dark);
        brush.Land("M24 -78C42 -80 58 -66 60 -46C48 -60 36 -68 22 -74Z", light, dark);
        brush.Land("M22 -76C14 -104 30 -114 44 -110C34 -102 30 -90 28 -76Z", light, dark);
        brush.Leave();
    }

    public static void Cactus(Stage stage, float x, float y, float height, float distance)
    {
        var brush = stage.Brush;
        brush.Enter(x, y, height / 100);
        var green = stage.On(Material.Evergreen, 0x4C9A62, distance);
        brush.Limb("M2 -44L20 -44Q26 -44 26 -50L26 -68", green, 13);
        brush.Limb("M-2 -30L-20 -30Q-26 -30 -26 -36L-26 -56", green, 13);
        brush.Limb("M0 -4L0 -92", green, 18);
        brush.Leave();
    }

    public static void Bush(Stage stage, float x, float y, float height, int leaf)
    {
        var brush = stage.Brush;
        brush.Enter(x, y, height / 100);
        var color = stage.On(Material.Leaf, leaf);
        brush.Land(
            "M-96 0C-116 -30 -88 -62 -60 -56C-54 -92 -8 -106 14 -76C44 -96 84 -74 78 -44C108 -42 112 -10 98 0Z",
            Tint.Lighten(color, 0.14f),
            Tint.Shadow(color, 0.24f));
        brush.Leave();
    }

    /// <summary>A few blossoms scattered over the ground between two heights.</summary>
    public static void Blossoms(Stage stage, float top, float bottom, int count)
    {
        int[] colors = [0xFFFFFF, 0xFFD24A, 0xF58AA8, 0xF2664E];
        for (var i = 0; i < count; i++)
        {
            var depth = stage.Layout.Unit("blossom-y", i);
            var x = (i + stage.Layout.Range("blossom-x", 0.1f, 0.9f, i)) * Layout.Side / count;
            var radius = 1.5f + depth;
            var color = colors[stage.Layout.Choice("blossom", colors.Length, i)];
            stage.Brush.Dot(x, top + (depth * (bottom - top)), radius, radius * 0.85f, stage.On(Material.Grass, color));
        }
    }
}
