using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>What every part of a background needs to draw itself.</summary>
internal sealed record Stage(Brush Brush, Layout Layout, Light Light)
{
    /// <summary>A color of the place as it looks in this light.</summary>
    public SKColor On(Material material, int hex, float distance = 0) => Light.On(material, Tint.Rgb(hex), distance);

    /// <summary>Draws land below a curve, with a gradient from its top edge down.</summary>
    public void Land(Func<float, float> height, SKColor top, SKColor bottom)
    {
        using var path = Paths.Below(height);
        Brush.Land(path, top, bottom);
    }

    /// <summary>Draws flat ground from a height to the bottom of the picture.</summary>
    public void Ground(float top, SKColor far, SKColor near)
    {
        using var path = Paths.Rectangle(new(-6, top, Layout.Side + 6, Layout.Side + 6));
        Brush.Land(path, far, near);
    }

    /// <summary>An x at which nothing of the subject is in the way: in the wider half beside it.</summary>
    public float Beside(float share)
    {
        var subject = Layout.SubjectX(Layout.SubjectHeight(Trait.None));
        return subject > Layout.Side / 2 ? share * (subject - 16) : Layout.Side - (share * (Layout.Side - subject - 16));
    }
}
