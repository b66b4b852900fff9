namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Car, boat and balloon, on y = 0 in a frame 100 high, centered on x = 0.</summary>
internal static class Vehicles
{
    public static void Car(Brush brush, Coat coat)
    {
        brush.Shape("M-34 -36C-30 -64 -16 -70 2 -70C22 -70 30 -56 38 -38Z", coat.Main);
        brush.Flat("M-25 -40C-22 -56 -14 -62 -3 -62L-3 -40Z", coat.Window);
        brush.Flat("M4 -62C16 -62 22 -54 28 -40L4 -40Z", coat.Window);
        coat.Body(brush, "M-60 -18C-62 -34 -54 -42 -36 -43L36 -43C54 -42 64 -34 62 -18Q62 -12 56 -12L-54 -12Q-60 -12 -60 -18Z");
        brush.Flat("M-63 -20Q-63 -23 -60 -23L-48 -23L-48 -15L-60 -15Q-63 -15 -63 -18Z", coat.On(0xD8DCE4));
        brush.Flat("M65 -20Q65 -23 62 -23L52 -23L52 -15L62 -15Q65 -15 65 -18Z", coat.On(0xD8DCE4));
        brush.Dot(56, -31, 5, 5.5f, coat.LampsLit ? Tint.Rgb(0xFFF0A0) : coat.On(0xFFF4CC));
        Wheel(brush, coat, -34);
        Wheel(brush, coat, 34);
        if (coat.LampsLit)
            brush.Glow(66, -30, 24, 14, Tint.Rgb(0xFFE680), 0.7f);
    }

    public static void Boat(Brush brush, Coat coat)
    {
        brush.Limb("M-2 -24L-2 -98", coat.On(0x7A4E34), 4.5f);
        brush.Shape("M3 -95C26 -78 40 -56 46 -34Q24 -30 3 -33Z", coat.On(0xFFF6E2));
        brush.Shape("M-7 -88C-22 -74 -34 -54 -38 -36Q-22 -31 -7 -33Z", coat.Main);
        coat.Body(brush, "M-58 -27Q-60 -30 -56 -30Q0 -20 56 -30Q60 -30 59 -27L46 -4Q44 0 38 0L-38 0Q-44 0 -46 -4Z");
        brush.Inside("M-58 -27Q-60 -30 -56 -30Q0 -20 56 -30Q60 -30 59 -27L46 -4Q44 0 38 0L-38 0Q-44 0 -46 -4Z",
            b => b.Line("M-60 -25Q0 -15 60 -25", coat.On(0xFFF6E2), 5));
        brush.Flat("M-1 -98L14 -103L-1 -108Z", coat.Contrast);
    }

    public static void Balloon(Brush brush, Coat coat)
    {
        const string Envelope = "M0 -104C30 -104 44 -82 40 -62C36 -46 18 -36 12 -26L-12 -26C-18 -36 -36 -46 -40 -62C-44 -82 -30 -104 0 -104Z";
        brush.Line("M-11 -26L-8 -14M11 -26L8 -14", coat.On(0x6A4A38), 3);
        coat.Body(brush, Envelope);
        if (coat.Trait is not (Trait.Striped or Trait.Spotted))
        {
            brush.Inside(Envelope, b =>
            {
                b.Flat("M-10 -106C-22 -80 -18 -50 -6 -24L6 -24C18 -50 22 -80 10 -106Z", coat.Pale);
                b.Flat("M-46 -84C-36 -70 -26 -44 -14 -24L-24 -24L-52 -60Z", Tint.Mix(coat.Main, coat.Deep, 0.4f));
            });
        }
        brush.Shape("M-11 -15L11 -15L9 -2Q9 0 7 0L-7 0Q-9 0 -9 -2Z", coat.On(0xB07840));
    }

    private static void Wheel(Brush brush, Coat coat, float x)
    {
        brush.Enter(x, -13, 1);
        brush.Shape("M-13 0A13 13 0 1 1 13 0A13 13 0 1 1 -13 0Z", coat.On(0x34343E));
        brush.Dot(0, 0, 6, 6, coat.On(0xD8DCE4));
        brush.Leave();
    }
}
