using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>The colors of a figure in its light.</summary>
internal sealed class Coat
{
    // Broad patterns over the whole box of a figure; bodies clip them.
    private const string Stripes = "M-44 -118L-60 8 M-24 -118L-40 8 M-4 -118L-20 8 M16 -118L0 8 M36 -118L20 8 M56 -118L40 8 M76 -118L60 8";

    private static readonly (float X, float Y)[] Spots =
        [(-44, -46), (-26, -62), (-22, -34), (-4, -52), (-8, -18), (14, -36), (16, -66), (34, -54), (34, -20), (-40, -18), (4, -82), (26, -86), (-20, -88), (48, -74)];

    private readonly Light light;

    public Coat(Subject subject, Color? color, Trait trait, Light light, Layout layout)
    {
        this.light = light;
        Trait = trait;
        Name = color ?? Natural(subject, layout);
        var paint = color is null && subject == Subject.Tree && Name == Color.Green ? Tint.Rgb(0x4FA34A) : Paint(Name);
        // A tree without a named color follows the season like every other tree.
        var material = color is null && subject == Subject.Tree ? Material.Leaf : Material.Figure;
        Main = light.On(material, paint);
        Deep = Tint.Shadow(Main, 0.34f);
        Pale = Tint.Mix(Main, On(0xFFF6E8), Name == Color.Black ? 0.30f : 0.62f);
        Eye = Name == Color.Black ? On(0xF4C63A) : On(0x2C2430);
        Contrast = Name is Color.Red or Color.Orange or Color.Pink or Color.Brown ? On(0x3566C8) : On(0xDC3A36);
        Pattern = Name == Color.Black ? On(0xE8E4DA) : Tint.Shadow(Main, 0.66f);
    }

    /// <summary>The named color.</summary>
    public Color Name { get; }

    /// <summary>What is said of the figure besides its color.</summary>
    public Trait Trait { get; }

    /// <summary>The color itself.</summary>
    public SKColor Main { get; }

    /// <summary>A darker tone, for what lies behind.</summary>
    public SKColor Deep { get; }

    /// <summary>A pale tone, for bellies and muzzles.</summary>
    public SKColor Pale { get; }

    /// <summary>The eyes: dark, but yellow on black fur.</summary>
    public SKColor Eye { get; }

    /// <summary>Red or blue, whichever stands out: hats and scarves.</summary>
    public SKColor Contrast { get; }

    /// <summary>Whether lamps and windows are lit.</summary>
    public bool LampsLit => light.LampsLit;

    private SKColor Pattern { get; }

    /// <summary>A fixed color of the figure in its light.</summary>
    public SKColor On(int hex) => light.On(Material.Figure, Tint.Rgb(hex));

    /// <summary>A fixed color of something on the figure that the season changes.</summary>
    public SKColor On(Material material, int hex) => light.On(material, Tint.Rgb(hex));

    /// <summary>A window: lamplight in the dark, else glass.</summary>
    public SKColor Window => LampsLit ? Tint.Rgb(0xFFD76A) : On(0x9CD2EC);

    /// <summary>A body in the figure's color, with its stripes or spots.</summary>
    public void Body(Brush brush, string data)
    {
        brush.Shape(data, Main);
        if (Trait == Trait.Striped)
            brush.Inside(data, b => b.Line(Stripes, Pattern, 8));
        else if (Trait == Trait.Spotted)
            brush.Inside(data, PaintSpots);
    }

    private void PaintSpots(Brush brush)
    {
        foreach (var (x, y) in Spots)
            brush.Dot(x, y, 7, 7, Pattern);
    }

    private static SKColor Paint(Color color) => Tint.Rgb(color switch
    {
        Color.Red => 0xE0302E,
        Color.Orange => 0xF58A1F,
        Color.Yellow => 0xFBD12E,
        Color.Green => 0x3DA648,
        Color.Blue => 0x2F6FE0,
        Color.Purple => 0x8A46C4,
        Color.Pink => 0xF686B4,
        Color.Brown => 0x8C5430,
        Color.White => 0xF7F4EE,
        Color.Black => 0x30303C,
        _ => throw new ArgumentOutOfRangeException(nameof(color)),
    });

    private static Color Natural(Subject subject, Layout layout)
    {
        Color[] choices = subject switch
        {
            Subject.Cat => [Color.Orange, Color.Black, Color.White, Color.Brown],
            Subject.Dog => [Color.Brown, Color.White, Color.Black, Color.Orange],
            Subject.Rabbit => [Color.White, Color.Brown, Color.White, Color.Black],
            Subject.Bird => [Color.Blue, Color.Red, Color.Yellow],
            Subject.Horse => [Color.Brown, Color.White, Color.Black, Color.Brown],
            Subject.House => [Color.White, Color.Yellow, Color.Red, Color.Orange],
            Subject.Castle => [Color.White, Color.Pink, Color.Yellow],
            Subject.Tree => [Color.Green],
            Subject.Car => [Color.Red, Color.Blue, Color.Yellow, Color.Green],
            Subject.Boat => [Color.Red, Color.Blue, Color.White, Color.Brown],
            Subject.Balloon => [Color.Red, Color.Yellow, Color.Blue, Color.Purple],
            Subject.Flower => [Color.Red, Color.Pink, Color.Yellow, Color.Purple],
            Subject.Mushroom => [Color.Red, Color.Brown, Color.Red],
            _ => throw new ArgumentOutOfRangeException(nameof(subject)),
        };
        return choices[layout.Choice("colour", choices.Length)];
    }
}
