namespace PromptToPrompt.Storybook.World;

/// <summary>
/// The numbers derived from a layout seed. Each is drawn by name, not in sequence, so that a scene that needs more or
/// fewer of them (another place, another subject) leaves all others unchanged.
/// Lengths are in units of 1/128 of the image's side; the origin is the top-left corner.
/// </summary>
internal sealed class Layout
{
    /// <summary>The side of the picture in units.</summary>
    public const float Side = 128f;

    private readonly ulong seed;

    public Layout(int seed)
    {
        this.seed = (ulong)(uint)seed * 0x9E3779B97F4A7C15UL;
        Horizon = Range("horizon", 44, 76);
        Flipped = Chance("flip", 0.5f);
        BaseY = Range("base", Math.Max(Horizon + 20, 92), 121);
    }

    /// <summary>Where ground and sky meet.</summary>
    public float Horizon { get; }

    /// <summary>The ground line under the subject.</summary>
    public float BaseY { get; }

    /// <summary>Whether the subject looks left; the light then comes from the right.</summary>
    public bool Flipped { get; }

    /// <summary>The side the light comes from: −1 left, +1 right.</summary>
    public float LightSide => Flipped ? 1 : -1;

    /// <summary>The subject's height.</summary>
    public float SubjectHeight(Trait trait)
    {
        var share = trait switch
        {
            Trait.Big => Range("size", 0.68f, 0.82f),
            Trait.Small => Range("size", 0.24f, 0.33f),
            _ => Range("size", 0.40f, 0.64f),
        };
        return Math.Min(share * Side, BaseY - 8);
    }

    /// <summary>The subject's center for a given height, always wholly or nearly inside the picture.</summary>
    public float SubjectX(float height)
    {
        var margin = Math.Min(Side / 2, (height * 0.52f) + 5);
        return Range("x", margin, Side - margin);
    }

    /// <summary>A number in [0, 1) that belongs to a name and an index.</summary>
    public float Unit(string name, int index = 0)
    {
        var hash = 14695981039346656037UL ^ seed;
        foreach (var letter in name)
            hash = (hash ^ letter) * 1099511628211UL;
        hash = (hash ^ (uint)index) * 1099511628211UL;
        // The finaliser of MurmurHash3 spreads the few changed bits over the whole word.
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDUL;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53UL;
        return ((hash ^ (hash >> 33)) >> 40) / (float)(1 << 24);
    }

    /// <summary>A number in [low, high).</summary>
    public float Range(string name, float low, float high, int index = 0) => low + ((high - low) * Unit(name, index));

    /// <summary>A whole number in 0..count−1.</summary>
    public int Choice(string name, int count, int index = 0) => (int)(Unit(name, index) * count);

    /// <summary>True with the given probability.</summary>
    public bool Chance(string name, float probability, int index = 0) => Unit(name, index) < probability;
}
