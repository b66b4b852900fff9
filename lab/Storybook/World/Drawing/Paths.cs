using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Paths that a layout decides. The caller disposes of them.</summary>
internal static class Paths
{
    private const float Step = 8;

    public static SKPath Rectangle(SKRect box)
    {
        using var builder = new SKPathBuilder();
        builder.AddRect(box);
        return builder.Detach();
    }

    /// <summary>A polygon.</summary>
    public static SKPath Polygon(params ReadOnlySpan<SKPoint> points)
    {
        using var builder = new SKPathBuilder();
        builder.AddPoly(points, close: true);
        return builder.Detach();
    }

    /// <summary>Everything below a smooth curve, given by its height at each x, over the width of the picture.</summary>
    public static SKPath Below(Func<float, float> height, float bottom = Layout.Side + 6)
    {
        using var builder = new SKPathBuilder();
        builder.MoveTo(-6, bottom);
        builder.LineTo(-6, height(-6));
        for (var x = -6f; x < Layout.Side + 6; x += Step)
        {
            var middle = x + (Step / 2);
            // Through the midpoint: the control point of the quadratic that meets both ends and the middle.
            var control = (2 * height(middle)) - ((height(x) + height(x + Step)) / 2);
            builder.QuadTo(middle, control, x + Step, height(x + Step));
        }
        builder.LineTo(Layout.Side + 6, bottom);
        builder.Close();
        return builder.Detach();
    }

    /// <summary>A band between two smooth curves x = left(y), right(y), from one y down to another.</summary>
    public static SKPath Between(Func<float, float> left, Func<float, float> right, float top, float bottom)
    {
        const int Steps = 12;
        Span<SKPoint> points = stackalloc SKPoint[2 * (Steps + 1)];
        for (var i = 0; i <= Steps; i++)
        {
            var y = top + ((bottom - top) * i / Steps);
            points[i] = new(left(y), y);
            points[^(i + 1)] = new(right(y), y);
        }
        return Polygon(points);
    }

    /// <summary>A rolling line: two waves of the layout's own phase and length around a height.</summary>
    public static Func<float, float> Rolling(Layout layout, string name, float height, float swing)
    {
        var (slow, fast) = (layout.Range(name + "-slow", 0.030f, 0.055f), layout.Range(name + "-fast", 0.07f, 0.11f));
        var (first, second) = (layout.Range(name + "-first", 0, 6.28f), layout.Range(name + "-second", 0, 6.28f));
        return x => height + (swing * ((0.75f * MathF.Sin((slow * x) + first)) + (0.25f * MathF.Sin((fast * x) + second))));
    }
}
