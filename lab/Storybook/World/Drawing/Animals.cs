namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>
/// The animals. Each stands on y = 0 in a frame 100 high and about as wide, centered on x = 0, looking right.
/// </summary>
internal static class Animals
{
    private const int Blush = 0xF58C86;
    private const int Rose = 0xF2A0A4;

    public static void Cat(Brush brush, Coat coat)
    {
        const string Body = "M-25 0C-36 -18 -27 -50 0 -54C27 -50 36 -18 25 0Q0 3 -25 0Z";
        const string Head = "M-5 -86L-20 -101Q-25 -104 -26 -97L-27 -72C-29 -56 -14 -44 0 -44C14 -44 29 -56 27 -72L26 -97Q25 -104 20 -101L5 -86Q0 -87 -5 -86Z";
        brush.Limb("M20 -7C46 -2 56 -20 47 -36C41 -46 42 -56 50 -60", coat.Main, 11);
        coat.Body(brush, Body);
        brush.Dot(0, -30, 12, 15, coat.Pale);
        brush.Shape("M-18 -3A9 6 0 0 1 0 -3A9 4 0 0 1 -18 -3Z", coat.Main);
        brush.Shape("M0 -3A9 6 0 0 1 18 -3A9 4 0 0 1 0 -3Z", coat.Main);
        Wear(brush, coat, scarfX: 0, scarfY: -45, scarfWidth: 36);
        coat.Body(brush, Head);
        brush.Flat("M-22 -80L-21 -94L-11 -84Z", coat.On(Rose));
        brush.Flat("M22 -80L21 -94L11 -84Z", coat.On(Rose));
        brush.Dot(0, -55, 11, 7, coat.Pale);
        brush.Dot(-17, -57, 4.5f, 3.2f, Tint.Fade(coat.On(Blush), 0.6f));
        brush.Dot(17, -57, 4.5f, 3.2f, Tint.Fade(coat.On(Blush), 0.6f));
        Eye(brush, coat, -11, -67, 4.6f);
        Eye(brush, coat, 11, -67, 4.6f);
        brush.Flat("M-4 -60L4 -60Q1.5 -55 0 -54.500Q-1.500 -55 -4 -60Z", coat.On(0xE0607A));
        Hat(brush, coat, 0, -85, 0.84f, 0);
    }

    public static void Dog(Brush brush, Coat coat)
    {
        const string Body = "M-40 -36C-44 -58 -28 -61 -10 -59C6 -58 14 -64 22 -66C38 -66 42 -40 36 -28C20 -19 -22 -19 -36 -25C-39 -27 -40 -32 -40 -36Z";
        const string Head = "M14 -76C14 -92 28 -98 40 -94C48 -91 50 -84 55 -80L64 -77C70 -74 69 -63 61 -61L44 -59C36 -52 22 -54 17 -62C15 -66 14 -70 14 -76Z";
        brush.Limb("M-38 -50C-48 -54 -54 -64 -53 -76", coat.Main, 9);
        brush.Shape("M-24 -30L-12 -30L-12 -4Q-12 0 -16 0L-24 0Z", coat.Deep);
        brush.Shape("M14 -30L26 -30L26 -4Q26 0 22 0L14 0Z", coat.Deep);
        coat.Body(brush, Body);
        brush.Shape("M-39 -38L-24 -34L-24 -3Q-24 0 -27 0L-39 0Q-42 -6 -38 -10Z", coat.Main);
        brush.Shape("M26 -36L38 -36L38 -10Q43 -6 40 0L29 0Q26 0 26 -3Z", coat.Main);
        Wear(brush, coat, scarfX: 26, scarfY: -57, scarfWidth: 32);
        coat.Body(brush, Head);
        brush.Dot(56, -67, 9, 5.5f, coat.Pale);
        brush.Dot(64, -75, 5.5f, 4.6f, coat.On(0x2C2430));
        Eye(brush, coat, 42, -80, 4.4f);
        brush.Dot(38, -69, 4.2f, 3, Tint.Fade(coat.On(Blush), 0.55f));
        brush.Shape("M26 -93C12 -92 5 -74 9 -58C13 -49 25 -54 29 -68C31 -76 31 -88 26 -93Z", coat.Name == Color.Black ? coat.On(0x4A4A5C) : coat.Deep);
        Hat(brush, coat, 31, -92, 0.9f, -6);
    }

    public static void Rabbit(Brush brush, Coat coat)
    {
        const string Body = "M-34 -8C-44 -40 -14 -58 8 -48C26 -38 32 -14 26 -1Q-4 3 -30 0Q-33 -3 -34 -8Z";
        brush.Shape("M-48 -16A11 11 0 1 1 -26 -16A11 11 0 1 1 -48 -16Z", coat.Name == Color.White ? coat.On(0xE6E6F0) : coat.On(0xFBF6EE));
        brush.Shape("M6 -62C-10 -80 -13 -102 -4 -104C6 -106 15 -86 17 -66Z", coat.Deep);
        coat.Body(brush, Body);
        brush.Shape("M-32 -16C-32 -32 -6 -34 -1 -16C1 -8 -4 -3 -10 -1L-26 -1Q-32 -6 -32 -16Z", Tint.Mix(coat.Main, coat.Deep, 0.25f));
        brush.Shape("M-24 -3Q-24 -9 -14 -9L-2 -9Q6 -8 6 -2Q6 0 2 0L-20 0Q-24 0 -24 -3Z", coat.Main);
        brush.Shape("M12 -3Q12 -9 20 -9L26 -9Q32 -8 32 -2Q32 0 29 0L16 0Q12 0 12 -3Z", coat.Main);
        brush.Dot(18, -24, 8, 12, coat.Pale);
        Wear(brush, coat, scarfX: 15, scarfY: -43, scarfWidth: 32);
        brush.Shape("M14 -66C14 -84 20 -106 30 -104C39 -101 36 -80 28 -64Z", coat.Main);
        brush.Flat("M19 -70C20 -84 24 -98 29 -97C33 -94 30 -80 25 -69Z", coat.On(Rose));
        coat.Body(brush, "M0 -58C0 -70 12 -74 22 -73C34 -72 42 -64 42 -56C42 -46 32 -41 20 -41C8 -41 0 -47 0 -58Z");
        brush.Dot(35, -51, 7, 5.5f, coat.Pale);
        brush.Dot(41, -56, 3.6f, 3, coat.On(0xE0607A));
        Eye(brush, coat, 25, -60, 4.4f);
        brush.Dot(19, -51, 4.2f, 3, Tint.Fade(coat.On(Blush), 0.6f));
        Hat(brush, coat, 15, -72, 0.78f, -8);
    }

    public static void Bird(Brush brush, Coat coat)
    {
        const string Body = "M-38 -46C-30 -60 -16 -58 -8 -72C-2 -88 20 -92 32 -80C40 -72 38 -62 38 -52C38 -26 20 -12 0 -13C-20 -14 -32 -28 -38 -46Z";
        brush.Limb("M-3 -14L-5 -3L4 -2", coat.On(0xE8892C), 5);
        brush.Limb("M13 -15L12 -3L21 -2", coat.On(0xE8892C), 5);
        brush.Shape("M-24 -50L-60 -66Q-66 -67 -63 -61L-57 -54L-60 -49Q-61 -45 -56 -45L-28 -36Z", coat.Deep);
        brush.Shape("M34 -78L55 -70Q57 -68 54 -67L34 -63Z", coat.On(0xF4A22C));
        coat.Body(brush, Body);
        brush.Dot(17, -33, 15, 15, coat.Pale);
        brush.Shape("M-24 -46C-18 -62 6 -62 9 -46C10 -32 -4 -26 -28 -27Q-34 -29 -24 -46Z", coat.Deep);
        brush.Dot(30, -66, 4, 3, Tint.Fade(coat.On(Blush), 0.55f));
        Wear(brush, coat, scarfX: 14, scarfY: -57, scarfWidth: 46);
        Eye(brush, coat, 22, -75, 4.6f);
        Hat(brush, coat, 13, -86, 0.86f, -8);
    }

    public static void Horse(Brush brush, Coat coat)
    {
        const string Body = "M-42 -52C-42 -66 -26 -66 -10 -63C2 -61 8 -66 14 -76C20 -88 24 -98 34 -100L50 -84C44 -72 42 -58 36 -44C30 -34 10 -32 -6 -33C-20 -32 -42 -34 -42 -52Z";
        var mane = coat.Name is Color.White or Color.Yellow ? coat.On(0xB08458) : coat.Name == Color.Black ? coat.On(0x5A5A74) : Tint.Shadow(coat.Main, 0.72f);
        brush.Shape("M-39 -58C-56 -58 -60 -40 -56 -16Q-54 -12 -50 -16C-46 -30 -44 -38 -34 -46Z", mane);
        brush.Shape("M-28 -40L-16 -38L-18 -3Q-18 0 -21 0L-28 0Z", coat.Deep);
        brush.Shape("M12 -40L24 -38L22 -3Q22 0 19 0L12 0Z", coat.Deep);
        brush.Shape("M-41 -48L-24 -38Q-32 -24 -30 -3Q-30 0 -33 0L-41 0Z", coat.Main);
        brush.Shape("M22 -40L37 -46L35 -3Q35 0 32 0L24 0Z", coat.Main);
        coat.Body(brush, Body);
        Wear(brush, coat, scarfX: 24, scarfY: -68, scarfWidth: 34);
        brush.Shape("M30 -98L31 -108Q33 -112 37 -107L42 -98Z", coat.Deep);
        coat.Body(brush, "M28 -94C32 -104 44 -102 50 -94L65 -74C69 -67 62 -60 54 -63L40 -72C30 -76 26 -86 28 -94Z");
        brush.Shape("M36 -103C24 -102 14 -90 8 -74C4 -66 -2 -64 -6 -62Q0 -58 8 -60C18 -66 22 -80 30 -90Q38 -98 36 -103Z", mane);
        brush.Dot(60, -67, 6.5f, 5, coat.Pale);
        Eye(brush, coat, 43, -87, 4);
        Hat(brush, coat, 35, -101, 0.8f, 8);
    }

    private static void Eye(Brush brush, Coat coat, float x, float y, float radius)
    {
        brush.Dot(x, y, radius, radius * 1.15f, coat.Eye);
        if (coat.Name == Color.Black)
            brush.Dot(x, y, radius * 0.45f, radius * 0.85f, coat.On(0x1C1820));
        else
            brush.Dot(x - (radius * 0.3f), y - (radius * 0.4f), radius * 0.36f, radius * 0.36f, coat.On(0xFFFFFF));
    }

    // A scarf round the neck with one end hanging down in front.
    private static void Wear(Brush brush, Coat coat, float scarfX, float scarfY, float scarfWidth)
    {
        if (coat.Trait != Trait.Scarf)
            return;
        brush.Part = Accessory(brush.Part);
        brush.Enter(scarfX, scarfY, scarfWidth / 40);
        brush.Shape("M2 0L15 0L17 25Q17 28 14 28L5 28Q3 28 3 25Z", Tint.Shadow(coat.Contrast, 0.12f));
        brush.Shape("M-22 -4Q0 5 22 -4Q26 4 21 10Q0 18 -21 10Q-26 4 -22 -4Z", coat.Contrast);
        brush.Leave();
        brush.Part = Part.Subject;
    }

    // A top hat with a brim, a little askew.
    private static void Hat(Brush brush, Coat coat, float x, float y, float scale, float lean)
    {
        if (coat.Trait != Trait.Hat)
            return;
        brush.Part = Accessory(brush.Part);
        brush.Enter(x, y, scale);
        var slant = lean * 0.5f;
        using (var crown = Paths.Polygon(new(-16 + slant, -26), new(16 + slant, -26), new(15, 0), new(-15, 0)))
            brush.Shape(crown, coat.Contrast);
        using (var band = Paths.Polygon(new(-15.4f + (slant * 0.35f), -11), new(15.4f + (slant * 0.35f), -11), new(15, -2), new(-15, -2)))
            brush.Flat(band, coat.On(0xFFE9A8));
        brush.Shape("M-26 -1Q-26 -5 -20 -5L20 -5Q26 -5 26 -1Q26 4 0 4Q-26 4 -26 -1Z", coat.Contrast);
        brush.Leave();
        brush.Part = Part.Subject;
    }

    // Only the subject has a separate mask for its accessories.
    private static Part Accessory(Part part) => part == Part.Subject ? Part.Accessory : part;
}
