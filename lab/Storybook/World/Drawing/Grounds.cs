namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>The places. Each covers the picture from its horizon down.</summary>
internal static class Grounds
{
    public static void Paint(Stage stage, Place place)
    {
        stage.Brush.Part = Part.Place;
        Action<Stage> paint = place switch
        {
            Place.River => River,
            Place.Beach => Beach,
            Place.Mountains => Mountains,
            Place.Field => Field,
            Place.Forest => Forest,
            Place.City => City,
            Place.Desert => Desert,
            Place.Lake => Lake,
            _ => throw new ArgumentOutOfRangeException(nameof(place)),
        };
        paint(stage);
    }

    /// <summary>The height of the water's near edge at a beach or lake, just behind the subject on the shore.</summary>
    public static float Shore(Layout layout) =>
        Math.Max(layout.Horizon + 12, layout.BaseY - layout.Range("shore", 7, 16));

    /// <summary>The middle of the river at a height: it winds down beside the subject.</summary>
    public static float RiverX(Layout layout, float y)
    {
        var depth = Math.Clamp((y - layout.Horizon) / (Layout.Side - layout.Horizon), 0, 1);
        var subject = layout.SubjectX(layout.SubjectHeight(Trait.None));
        var near = subject > Layout.Side / 2 ? Math.Min(subject - 40, 52) : Math.Max(subject + 40, 76);
        var far = layout.Range("river-far", 40, 88);
        var bend = layout.Range("river-bend", 6, 15) * (layout.Chance("river-side", 0.5f) ? 1 : -1);
        return far + ((near - far) * MathF.Sqrt(depth)) + (bend * MathF.Sin(depth * 5.2f));
    }

    /// <summary>Half the width of the river at a height.</summary>
    public static float RiverHalfWidth(Layout layout, float y)
    {
        var depth = Math.Clamp((y - layout.Horizon) / (Layout.Side - layout.Horizon), 0, 1);
        return 4 + (layout.Range("river-width", 21, 29) * MathF.Pow(depth, 1.1f));
    }

    private static void Hills(Stage stage, int far, int near)
    {
        var horizon = stage.Layout.Horizon;
        stage.Land(
            Paths.Rolling(stage.Layout, "far", horizon - 7, stage.Layout.Range("far-swing", 4, 9)),
            stage.On(Material.Grass, far, 0.62f),
            stage.On(Material.Grass, far, 0.40f));
        stage.Land(
            Paths.Rolling(stage.Layout, "near", horizon + 1, stage.Layout.Range("near-swing", 2, 5)),
            stage.On(Material.Grass, near, 0.30f),
            stage.On(Material.Grass, near, 0.05f));
    }

    private static void Field(Stage stage)
    {
        var layout = stage.Layout;
        Hills(stage, 0x8CC28A, 0x9ACB62);
        for (var i = 0; i < 3; i++)
        {
            Flora.RoundTree(
                stage, layout.Range("tree-x", 4, 124, i), layout.Horizon + 4, layout.Range("tree-size", 11, 19, i), 0.30f, 0x5CA860);
        }
        stage.Land(
            Paths.Rolling(layout, "middle", layout.Horizon + 12, 4.5f), stage.On(Material.Grass, 0xB4D75A, 0.12f), stage.On(Material.Grass, 0x86BE48));
        stage.Land(
            Paths.Rolling(layout, "front", layout.BaseY - 8, 3), stage.On(Material.Grass, 0x8CCB52), stage.On(Material.Grass, 0x58A03E));
        Flora.Blossoms(stage, layout.BaseY - 4, 125, 11);
    }

    private static void Forest(Stage stage)
    {
        var layout = stage.Layout;
        var horizon = layout.Horizon;
        stage.Land(Paths.Rolling(layout, "far", horizon - 15, 5), stage.On(Material.Evergreen, 0x7FB39A, 0.62f), stage.On(Material.Evergreen, 0x5E9A7E, 0.30f));
        for (var i = 0; i < 6; i++)
        {
            var x = (i + layout.Range("back-x", 0.1f, 0.9f, i)) * Layout.Side / 6;
            Tree(stage, x, horizon + 7, layout.Range("back-size", 26, 42, i), 0.36f, i);
        }
        stage.Land(Paths.Rolling(layout, "floor", horizon + 4, 2.5f), stage.On(Material.Grass, 0x7DB45C, 0.14f), stage.On(Material.Grass, 0x3E7C40));
        // Two or three tall trees frame the clearing in which the subject stands.
        for (var i = 0; i < 2; i++)
            Tree(stage, i == 0 ? layout.Range("frame-left", -6, 16) : layout.Range("frame-right", 112, 134), horizon + layout.Range("frame-y", 12, 22, i), layout.Range("frame-size", 66, 84, i), 0.04f, 10 + i);
        Flora.Bush(stage, layout.Range("bush-left", -4, 20), horizon + 26, layout.Range("bush-size", 10, 15), 0x3F8A4C);
        Flora.Bush(stage, layout.Range("bush-right", 108, 132), horizon + 23, layout.Range("bush-size", 10, 15, 1), 0x4E9A52);
    }

    private static void Tree(Stage stage, float x, float y, float height, float distance, int index)
    {
        if (stage.Layout.Chance("pine", 0.5f, index))
            Flora.Pine(stage, x, y, height, distance);
        else
            Flora.RoundTree(stage, x, y, height * 0.92f, distance, index % 2 == 0 ? 0x4A9A54 : 0x6CAE56);
    }

    private static void Mountains(Stage stage)
    {
        var layout = stage.Layout;
        var horizon = layout.Horizon;
        for (var i = 0; i < 3; i++)
            Peak(stage, (i + layout.Range("back-peak-x", 0.1f, 0.9f, i)) * Layout.Side / 3, horizon + 4, layout.Range("back-peak", 24, 36, i), 0.55f);
        for (var i = 0; i < 2; i++)
            Peak(stage, (i + layout.Range("peak-x", 0.15f, 0.85f, i)) * Layout.Side / 2, horizon + 8, layout.Range("peak", 32, horizon - 4, i), 0.24f);
        stage.Land(Paths.Rolling(layout, "near", horizon + 2, 4), stage.On(Material.Grass, 0x6FAE72, 0.30f), stage.On(Material.Grass, 0x5C9C58, 0.05f));
        for (var i = 0; i < 5; i++)
            Flora.Pine(stage, layout.Range("pine-x", 2, 126, i), horizon + 11, layout.Range("pine-size", 10, 17, i), 0.18f);
        stage.Land(Paths.Rolling(layout, "front", horizon + 14, 3), stage.On(Material.Grass, 0x9CCB62), stage.On(Material.Grass, 0x5E9E48));
    }

    private static void Peak(Stage stage, float x, float foot, float height, float distance)
    {
        var brush = stage.Brush;
        brush.Enter(x, foot, height / 100, -stage.Layout.LightSide);
        brush.Land("M-92 0L-10 -94Q0 -104 10 -94L92 0Z", stage.On(Material.Rock, 0x8E9CC0, distance), stage.On(Material.Rock, 0x7486A8, distance));
        brush.Flat("M0 -101Q5 -100 10 -94L92 0L26 0L34 -30L12 -50L18 -70Z", Tint.Fade(stage.On(Material.Rock, 0x4E5E8C, distance), 0.55f));
        brush.Flat("M-36 -64L-10 -94Q0 -104 10 -94L36 -64L22 -70L12 -58L0 -70L-12 -58L-22 -70Z", stage.On(Material.Thing, 0xF8FBFF, distance * 0.6f));
        brush.Leave();
    }

    private static void City(Stage stage)
    {
        var layout = stage.Layout;
        var street = layout.Horizon + 12;
        int[] walls = [0xE8A06A, 0xD8786A, 0x8AA8C8, 0xE8CE92, 0x9A8EC0, 0x7EB0A4, 0xC89AA8];
        // Where the street lies high, far towers could leave no sky to show time and weather: the two lowest give way.
        float[] far = [.. Enumerable.Range(0, 6).Select(i => layout.Range("far-tower", 38, 64, i))];
        var third = far.Order().ElementAt(2);
        for (var i = 0; i < far.Length; i++)
            Tower(stage, (i + 0.5f) * Layout.Side / 6, street, layout.Range("far-width", 18, 24, i), far[i] < third ? Math.Min(far[i], street - 10) : far[i], 0x9CAAC4, 0.55f, lit: false, i);
        var x = -layout.Range("tower-start", 0, 16);
        for (var i = 0; x < Layout.Side; i++)
        {
            var width = layout.Range("tower-width", 20, 30, i);
            Tower(stage, x + (width / 2), street, width, layout.Range("tower", 26, 56, i), walls[(i + layout.Choice("walls", walls.Length)) % walls.Length], 0.10f, lit: true, i);
            x += width + layout.Range("tower-gap", -1, 5, i);
        }
        stage.Ground(street, stage.On(Material.Ground, 0xC4BCB4), stage.On(Material.Ground, 0xD8D0C6));
        using (var road = Paths.Rectangle(new(-6, street + 7, Layout.Side + 6, Layout.Side + 6)))
            stage.Brush.Land(road, stage.On(Material.Ground, 0x7E8290), stage.On(Material.Ground, 0x6A6E7E));
        var line = ((street + 7) * 0.55f) + (Layout.Side * 0.45f);
        for (var i = -1; i < 5; i++)
        {
            var left = (i * 30) + layout.Range("dashes", 0, 30);
            using var dash = Paths.Polygon(new(left, line), new(left + 15, line), new(left + 14, line + 4), new(left - 1, line + 4));
            stage.Brush.Flat(dash, stage.On(Material.Thing, 0xF4EBD8));
        }
    }

    private static void Tower(Stage stage, float x, float foot, float width, float height, int wall, float distance, bool lit, int index)
    {
        var brush = stage.Brush;
        using (var body = Paths.Rectangle(new(x - (width / 2), foot - height, x + (width / 2), foot + 1)))
        {
            var color = stage.On(Material.Thing, wall, distance);
            brush.Land(body, Tint.Lighten(color, 0.06f), Tint.Shadow(color, 0.12f));
        }
        using (var roof = Paths.Rectangle(new(x - (width / 2) - 1, foot - height - 2, x + (width / 2) + 1, foot - height + 2)))
            brush.Flat(roof, stage.On(Material.Rock, 0x6A6078, distance));
        if (!lit)
            return;
        var columns = width > 25 ? 3 : 2;
        for (var row = 0; row < (int)((height - 6) / 11); row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var center = x + ((column + 0.5f - (columns / 2f)) * width / (columns + 0.3f));
                var top = foot - height + 7 + (row * 11);
                var glow = stage.Light.LampsLit && stage.Layout.Chance("window", 0.7f, (index * 100) + (row * 10) + column);
                using var pane = Paths.Rectangle(new(center - 2.2f, top, center + 2.2f, top + 5.5f));
                brush.Flat(pane, glow ? Tint.Rgb(0xFFD766) : stage.On(Material.Thing, stage.Light.LampsLit ? 0x5A6484 : 0xDDF0F8, distance));
            }
        }
    }

    private static void Desert(Stage stage)
    {
        var layout = stage.Layout;
        var horizon = layout.Horizon;
        for (var i = 0; i < 2; i++)
        {
            stage.Brush.Enter((i + layout.Range("mesa-x", 0.1f, 0.9f, i)) * Layout.Side / 2, horizon + 4, layout.Range("mesa", 0.14f, 0.26f, i));
            stage.Brush.Land("M-110 0L-74 -84Q-70 -92 -60 -92L56 -92Q66 -92 70 -84L110 0Z", stage.On(Material.Rock, 0xD88A5E, 0.28f), stage.On(Material.Rock, 0xC8744E, 0.20f));
            stage.Brush.Leave();
        }
        stage.Land(Paths.Rolling(layout, "far", horizon, 6), stage.On(Material.Ground, 0xF0C07A, 0.20f), stage.On(Material.Ground, 0xE6AC64, 0.10f));
        stage.Land(Paths.Rolling(layout, "middle", horizon + 12, 6), stage.On(Material.Ground, 0xF6CE86), stage.On(Material.Ground, 0xE4A85E));
        Flora.Cactus(stage, stage.Beside(layout.Range("cactus-x", 0.25f, 0.8f)), horizon + 20, layout.Range("cactus", 26, 40), 0.05f);
        Flora.Cactus(stage, layout.Range("cactus-far-x", 6, 122), horizon + 10, layout.Range("cactus-far", 12, 18), 0.22f);
        stage.Land(Paths.Rolling(layout, "front", horizon + 26, 5), stage.On(Material.Ground, 0xF9D892), stage.On(Material.Ground, 0xDE9E56));
    }

    private static void Beach(Stage stage)
    {
        var layout = stage.Layout;
        var shore = Shore(layout);
        stage.Ground(layout.Horizon, stage.On(Material.Water, 0x3E9CCB, 0.12f), stage.On(Material.Water, 0x58CEC8));
        Ripples(stage, layout.Horizon + 3, shore - 4, 7);
        var line = Paths.Rolling(layout, "shore", shore, 2.5f);
        stage.Land(x => line(x) - 3.2f, stage.On(Material.Thing, 0xFFFFFF), stage.On(Material.Thing, 0xF4FAFA));
        stage.Land(line, stage.On(Material.Ground, 0xE2BE86), stage.On(Material.Ground, 0xF2D49A));
        stage.Land(x => line(x) + 5, stage.On(Material.Ground, 0xFBE4B0), stage.On(Material.Ground, 0xF0CC8C));
        if (layout.Chance("palm", 0.6f))
        {
            var left = layout.SubjectX(layout.SubjectHeight(Trait.None)) > Layout.Side / 2;
            Flora.Palm(stage, left ? layout.Range("palm-x", 2, 18) : layout.Range("palm-x", 110, 126), shore + 12, layout.Range("palm-size", 54, 76), left ? 1 : -1);
        }
    }

    private static void River(Stage stage)
    {
        var layout = stage.Layout;
        Hills(stage, 0x8EC49A, 0x8CC46A);
        for (var i = 0; i < 3; i++)
            Flora.RoundTree(stage, layout.Range("tree-x", 2, 126, i), layout.Horizon + 5, layout.Range("tree-size", 14, 24, i), 0.24f, 0x5AA45C);
        stage.Land(Paths.Rolling(layout, "front", layout.Horizon + 6, 1.5f), stage.On(Material.Grass, 0xA6D468, 0.08f), stage.On(Material.Grass, 0x62AC4A));
        var top = layout.Horizon + 6;
        using (var bank = Paths.Between(y => RiverX(layout, y) - RiverHalfWidth(layout, y) - 2.6f, y => RiverX(layout, y) + RiverHalfWidth(layout, y) + 2.6f, top, Layout.Side + 4))
            stage.Brush.Flat(bank, stage.On(Material.Ground, 0xDCC48A));
        using (var water = Paths.Between(y => RiverX(layout, y) - RiverHalfWidth(layout, y), y => RiverX(layout, y) + RiverHalfWidth(layout, y), top, Layout.Side + 4))
            stage.Brush.Land(water, stage.On(Material.Water, 0x86CCEA, 0.10f), stage.On(Material.Water, 0x3C96D2));
        for (var i = 0; i < 5; i++)
        {
            var y = top + 8 + ((i + layout.Unit("ripple-y", i)) * (Layout.Side - top - 10) / 5);
            var half = RiverHalfWidth(layout, y);
            Ripple(stage, RiverX(layout, y) + (layout.Range("ripple-x", -0.5f, 0.5f, i) * half), y, half * 0.3f);
        }
    }

    private static void Lake(Stage stage)
    {
        var layout = stage.Layout;
        var shore = Shore(layout);
        stage.Land(Paths.Rolling(layout, "far", layout.Horizon - 12, 8), stage.On(Material.Grass, 0x7FA8A0, 0.55f), stage.On(Material.Grass, 0x7FB08A, 0.35f));
        stage.Land(Paths.Rolling(layout, "near", layout.Horizon - 4, 4), stage.On(Material.Grass, 0x6EAE72, 0.30f), stage.On(Material.Grass, 0x5C9E64, 0.15f));
        for (var i = 0; i < 4; i++)
            Flora.Pine(stage, layout.Range("pine-x", 2, 126, i), layout.Horizon + 1, layout.Range("pine-size", 11, 18, i), 0.25f);
        stage.Ground(layout.Horizon, stage.On(Material.Water, 0xA4DCEE, 0.15f), stage.On(Material.Water, 0x3F8CC4));
        Ripples(stage, layout.Horizon + 5, shore - 4, 6);
        stage.Land(Paths.Rolling(layout, "shore", shore, 2.2f), stage.On(Material.Grass, 0x9CCB5E), stage.On(Material.Grass, 0x5CA046));
        for (var i = 0; i < 3; i++)
        {
            stage.Brush.Enter(stage.Beside(layout.Range("reed-x", 0, 0.7f, i)), shore + 4, layout.Range("reed", 0.8f, 1.2f, i));
            stage.Brush.Line("M-3 2L-5 -12M0 2L0 -16M3 2L6 -11", stage.On(Material.Leaf, 0x4A8A48), 2.2f);
            stage.Brush.Dot(0, -17, 2, 4, stage.On(Material.Thing, 0x8A5A3A));
            stage.Brush.Leave();
        }
    }

    private static void Ripples(Stage stage, float top, float bottom, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var depth = (i + stage.Layout.Unit("ripple-y", i)) / count;
            Ripple(stage, stage.Layout.Range("ripple-x", 2, 126, i), top + (depth * (bottom - top)), 6 + (depth * 7));
        }
    }

    private static void Ripple(Stage stage, float x, float y, float length) =>
        stage.Brush.Dot(x, y, length, 1.1f, Tint.Fade(stage.On(Material.Thing, 0xFFFFFF), 0.55f));
}
