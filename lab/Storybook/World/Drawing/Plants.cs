namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Tree, flower and mushroom, on y = 0 in a frame 100 high, centered on x = 0.</summary>
internal static class Plants
{
    public static void Tree(Brush brush, Coat coat)
    {
        brush.Shape("M-9 -46L9 -46Q8 -16 15 -2Q8 1 0 1Q-8 1 -15 -2Q-8 -16 -9 -46Z", coat.On(0x84553A));
        brush.Shape("M-22 -36C-42 -34 -50 -52 -38 -64C-44 -84 -24 -94 -14 -90C-4 -104 20 -104 24 -88C42 -88 48 -70 39 -60C48 -44 34 -34 20 -38C12 -30 -12 -30 -22 -36Z", coat.Main);
        brush.Dot(-18, -74, 11, 8.5f, Tint.Fade(Tint.Lighten(coat.Main, 0.28f), 0.75f));
        brush.Dot(10, -86, 9, 6.5f, Tint.Fade(Tint.Lighten(coat.Main, 0.28f), 0.75f));
        brush.Dot(14, -58, 11, 7, Tint.Fade(coat.Deep, 0.55f));
        brush.Dot(-20, -50, 9, 6, Tint.Fade(coat.Deep, 0.55f));
    }

    public static void Flower(Brush brush, Coat coat)
    {
        var leaf = coat.On(0x3F9A4C);
        brush.Limb("M0 -60C4 -40 -4 -20 0 -2", leaf, 6.5f);
        brush.Shape("M0 -12C-8 -30 -30 -34 -40 -30C-36 -14 -16 -6 0 -12Z", leaf);
        brush.Shape("M1 -16C8 -36 28 -42 38 -38C36 -22 18 -10 1 -16Z", leaf);
        for (var petal = 0; petal < 6; petal++)
        {
            var (sin, cos) = MathF.SinCos((petal * MathF.PI / 3) + 0.52f);
            brush.Enter(21 * cos, -70 + (21 * sin), 1);
            brush.Shape("M-14.500 0A14.500 14.500 0 1 1 14.500 0A14.500 14.500 0 1 1 -14.500 0Z", petal % 2 == 0 ? coat.Main : Tint.Mix(coat.Main, coat.Deep, 0.22f));
            brush.Leave();
        }
        brush.Enter(0, -70, 1);
        brush.Shape("M-12 0A12 12 0 1 1 12 0A12 12 0 1 1 -12 0Z", coat.Name is Color.Yellow or Color.Orange ? coat.On(0x8A5430) : coat.On(0xFFC93C));
        brush.Leave();
    }

    public static void Mushroom(Brush brush, Coat coat)
    {
        brush.Shape("M-16 -50L16 -50C14 -28 18 -14 22 -4Q22 0 0 0Q-22 0 -22 -4C-18 -14 -14 -28 -16 -50Z", coat.On(0xFBEFD8));
        brush.Shape("M-30 -44Q0 -34 30 -44L22 -52L-22 -52Z", coat.On(0xE6CFAE));
        brush.Shape("M-50 -50C-52 -80 -28 -98 0 -98C28 -98 52 -80 50 -50C50 -44 42 -42 36 -44Q0 -54 -36 -44C-42 -42 -50 -44 -50 -50Z", coat.Main);
        var spot = coat.Name == Color.White ? coat.On(0xD8A078) : coat.On(0xFFF8EA);
        brush.Dot(-4, -80, 9, 7.5f, spot);
        brush.Dot(-30, -64, 7.5f, 7, spot);
        brush.Dot(24, -70, 8, 7.5f, spot);
        brush.Dot(2, -60, 6, 5, spot);
        brush.Dot(39, -54, 5, 4.5f, spot);
    }
}
