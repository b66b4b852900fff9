namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>House and castle, on y = 0 in a frame 100 high, centered on x = 0.</summary>
internal static class Buildings
{
    public static void House(Brush brush, Coat coat)
    {
        var roof = coat.On(Material.Rock, coat.Name is Color.Red or Color.Orange or Color.Pink or Color.Brown ? 0x4A5A80 : 0xB84A3C);
        brush.Shape("M20 -92L34 -92L34 -60L20 -60Z", coat.On(0x9A5A48));
        brush.Shape("M-40 -54L40 -54L40 -2Q40 0 38 0L-38 0Q-40 0 -40 -2Z", coat.Main);
        brush.Shape("M-42 -52Q-54 -50 -50 -58L-6 -98Q0 -103 6 -98L50 -58Q54 -50 42 -52Z", roof);
        brush.Shape("M-9 0L-9 -26Q-9 -34 0 -34Q9 -34 9 -26L9 0Z", coat.On(0x7A4A30));
        brush.Dot(4.5f, -15, 2, 2, coat.On(0xFFD76A));
        Window(brush, coat, -25, -30, 18);
        Window(brush, coat, 25, -30, 18);
        brush.Dot(0, -70, 9, 9, coat.On(0xFFF8EA));
        brush.Dot(0, -70, 6.3f, 6.3f, coat.Window);
    }

    public static void Castle(Brush brush, Coat coat)
    {
        var roof = coat.On(Material.Rock, coat.Name is Color.Blue or Color.Purple or Color.Green ? 0xC84A46 : 0x3E62A8);
        var flag = coat.On(coat.Name is Color.Yellow or Color.Orange ? 0xDC3A36 : 0xFFC93C);
        brush.Shape("M-14 -84L14 -84L14 -40L-14 -40Z", coat.Deep);
        brush.Limb("M0 -112L0 -100", coat.On(0x6A5040), 3);
        brush.Flat("M1 -116L18 -110L1 -104Z", flag);
        brush.Shape("M-20 -82L-2 -107Q0 -110 2 -107L20 -82Q0 -77 -20 -82Z", roof);
        brush.Shape("M-30 -50L-30 -58L-20 -58L-20 -52L-10 -52L-10 -58L10 -58L10 -52L20 -52L20 -58L30 -58L30 0L-30 0Z", coat.Main);
        brush.Shape("M-50 -62L-26 -62L-26 0L-50 0Z", coat.Main);
        brush.Shape("M26 -62L50 -62L50 0L26 0Z", coat.Main);
        brush.Shape("M-56 -60L-40 -89Q-38 -92 -36 -89L-20 -60Q-38 -55 -56 -60Z", roof);
        brush.Shape("M20 -60L36 -89Q38 -92 40 -89L56 -60Q38 -55 20 -60Z", roof);
        brush.Shape("M-12 0L-12 -22Q-12 -34 0 -34Q12 -34 12 -22L12 0Z", coat.On(0x5A3C30));
        brush.Flat("M-42 -34L-42 -42Q-38 -49 -34 -42L-34 -34Z", coat.Window);
        brush.Flat("M34 -34L34 -42Q38 -49 42 -42L42 -34Z", coat.Window);
        brush.Flat("M-4.500 -62L-4.500 -69Q0 -76 4.500 -69L4.500 -62Z", coat.Window);
    }

    private static void Window(Brush brush, Coat coat, float x, float y, float size)
    {
        brush.Enter(x, y, size / 20);
        brush.Flat("M-10 -10L10 -10L10 10L-10 10Z", coat.On(0xFFF8EA));
        brush.Flat("M-7.500 -7.500L7.500 -7.500L7.500 7.500L-7.500 7.500Z", coat.Window);
        brush.Line("M0 -8L0 8M-8 0L8 0", coat.On(0xFFF8EA), 2.6f);
        brush.Leave();
    }
}
