using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>What a medium does to the whole picture at the end. Pixels change only by where they are.</summary>
internal static class Finish
{
    public static void Paint(SKCanvas canvas, Layout layout, Style style)
    {
        switch (style)
        {
            case Style.Photo:
                Vignette(canvas);
                break;
            case Style.Watercolor:
                Blooms(canvas, layout);
                Border(canvas, layout);
                break;
        }
    }

    private static void Vignette(SKCanvas canvas)
    {
        using var shader = SKShader.CreateRadialGradient(
            new(Layout.Side / 2, Layout.Side / 2),
            Layout.Side * 0.74f,
            [new SKColor(20, 14, 10, 0), new SKColor(20, 14, 10, 0), new SKColor(20, 14, 10, 140)],
            [0, 0.52f, 1],
            SKShaderTileMode.Clamp);
        using var paint = new SKPaint { Shader = shader };
        canvas.DrawRect(-6, -6, Layout.Side + 12, Layout.Side + 12, paint);
    }

    // Where a wet wash dries unevenly it leaves pale blooms.
    private static void Blooms(SKCanvas canvas, Layout layout)
    {
        using var paint = new SKPaint { IsAntialias = true };
        for (var i = 0; i < 5; i++)
        {
            var center = new SKPoint(layout.Range("bloom-x", 0, Layout.Side, i), layout.Range("bloom-y", 0, Layout.Side, i));
            var radius = layout.Range("bloom", 16, 34, i);
            using var shader = SKShader.CreateRadialGradient(
                center, radius, [new SKColor(255, 252, 244, 58), new SKColor(255, 252, 244, 38), new SKColor(255, 252, 244, 0)], [0, 0.7f, 1], SKShaderTileMode.Clamp);
            paint.Shader = shader;
            canvas.DrawCircle(center, radius, paint);
        }
    }

    private static void Border(SKCanvas canvas, Layout layout)
    {
        const int Points = 40;
        using var builder = new SKPathBuilder { FillType = SKPathFillType.EvenOdd };
        builder.AddRect(new SKRect(-6, -6, Layout.Side + 6, Layout.Side + 6));
        for (var i = 0; i < Points; i++)
        {
            var point = Edge(layout, i);
            var next = Edge(layout, (i + 1) % Points);
            var middle = new SKPoint((point.X + next.X) / 2, (point.Y + next.Y) / 2);
            if (i == 0)
                builder.MoveTo(Middle(Edge(layout, Points - 1), point));
            builder.QuadTo(point, middle);
        }
        builder.Close();
        using var frame = builder.Detach();
        using var paint = new SKPaint { IsAntialias = true, Color = Tint.Rgb(0xFBF8F0) };
        canvas.DrawPath(frame, paint);
    }

    private static SKPoint Middle(SKPoint a, SKPoint b) => new((a.X + b.X) / 2, (a.Y + b.Y) / 2);

    // Ten points to a side, each pushed in by its own amount.
    private static SKPoint Edge(Layout layout, int index)
    {
        var along = (index % 10 / 10f * (Layout.Side - 8)) + 4;
        var inset = layout.Range("edge", 2.5f, 7.5f, index);
        return (index / 10) switch
        {
            0 => new(along, inset),
            1 => new(Layout.Side - inset, along),
            2 => new(Layout.Side - along, Layout.Side - inset),
            _ => new(inset, Layout.Side - along),
        };
    }
}
