using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>The colours of a figure in its light.</summary>
internal sealed class Coat
{
    // Broad patterns over the whole box of a figure; bodies clip them.
    private const string Stripes = "M-44 -118L-60 8 M-24 -118L-40 8 M-4 -118L-20 8 M16 -118L0 8 M36 -118L20 8 M56 -118L40 8 M76 -118L60 8";

    private static readonly (float X, float Y)[] Spots =
        [(-44, -46), (-26, -62), (-22, -34), (-4, -52), (-8, -18), (14, -36), (16, -66), (34, -54), (34, -20), (-40, -18), (4, -82), (26, -86), (-20, -88), (48, -74)];

    private readonly Light light;

    public Coat(Subject subject, Colour? colour, Trait trait, Light light, Layout layout)
    {
        this.light = light;
        Trait = trait;
        Name = colour ?? Natural(subject, layout);
        var paint = colour is null && subject == Subject.Tree && Name == Colour.Green ? Tint.Rgb(0x4FA34A) : Paint(Name);
        // A tree without a named colour follows the season like every other tree.
        var material = colour is null && subject == Subject.Tree ? Material.Leaf : Material.Figure;
        Main = light.On(material, paint);
        Deep = Tint.Shadow(Main, 0.34f);
        Pale = Tint.Mix(Main, On(0xFFF6E8), Name == Colour.Black ? 0.30f : 0.62f);
        Eye = Name == Colour.Black ? On(0xF4C63A) : On(0x2C2430);
        Contrast = Name is Colour.Red or Colour.Orange or Colour.Pink or Colour.Brown ? On(0x3566C8) : On(0xDC3A36);
        Pattern = Name == Colour.Black ? On(0xE8E4DA) : Tint.Shadow(Main, 0.66f);
    }

    /// <summary>The named colour.</summary>
    public Colour Name { get; }

    /// <summary>What is said of the figure besides its colour.</summary>
    public Trait Trait { get; }

    /// <summary>The colour itself.</summary>
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

    /// <summary>A fixed colour of the figure in its light.</summary>
    public SKColor On(int hex) => light.On(Material.Figure, Tint.Rgb(hex));

    /// <summary>A fixed colour of something on the figure that the season changes.</summary>
    public SKColor On(Material material, int hex) => light.On(material, Tint.Rgb(hex));

    /// <summary>A window: lamplight in the dark, else glass.</summary>
    public SKColor Window => LampsLit ? Tint.Rgb(0xFFD76A) : On(0x9CD2EC);

    /// <summary>A body in the figure's colour, with its stripes or spots.</summary>
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

    private static SKColor Paint(Colour colour) => Tint.Rgb(colour switch
    {
        Colour.Red => 0xE0302E,
        Colour.Orange => 0xF58A1F,
        Colour.Yellow => 0xFBD12E,
        Colour.Green => 0x3DA648,
        Colour.Blue => 0x2F6FE0,
        Colour.Purple => 0x8A46C4,
        Colour.Pink => 0xF686B4,
        Colour.Brown => 0x8C5430,
        Colour.White => 0xF7F4EE,
        Colour.Black => 0x30303C,
        _ => throw new ArgumentOutOfRangeException(nameof(colour)),
    });

    private static Colour Natural(Subject subject, Layout layout)
    {
        Colour[] choices = subject switch
        {
            Subject.Cat => [Colour.Orange, Colour.Black, Colour.White, Colour.Brown],
            Subject.Dog => [Colour.Brown, Colour.White, Colour.Black, Colour.Orange],
            Subject.Rabbit => [Colour.White, Colour.Brown, Colour.White, Colour.Black],
            Subject.Bird => [Colour.Blue, Colour.Red, Colour.Yellow],
            Subject.Horse => [Colour.Brown, Colour.White, Colour.Black, Colour.Brown],
            Subject.House => [Colour.White, Colour.Yellow, Colour.Red, Colour.Orange],
            Subject.Castle => [Colour.White, Colour.Pink, Colour.Yellow],
            Subject.Tree => [Colour.Green],
            Subject.Car => [Colour.Red, Colour.Blue, Colour.Yellow, Colour.Green],
            Subject.Boat => [Colour.Red, Colour.Blue, Colour.White, Colour.Brown],
            Subject.Balloon => [Colour.Red, Colour.Yellow, Colour.Blue, Colour.Purple],
            Subject.Flower => [Colour.Red, Colour.Pink, Colour.Yellow, Colour.Purple],
            Subject.Mushroom => [Colour.Red, Colour.Brown, Colour.Red],
            _ => throw new ArgumentOutOfRangeException(nameof(subject)),
        };
        return choices[layout.Choice("colour", choices.Length)];
    }
}
