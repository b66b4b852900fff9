using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace PromptToPrompt.Editing.Compositing;

/// <summary>
/// Filters of a map, [height, width], over squares of 2·radius + 1 positions. Positions beyond the borders do not count. Each filter runs along one
/// direction, then along the other.
/// </summary>
internal static class Neighborhood
{
    /// <summary>The largest value of each square.</summary>
    public static Tensor Max(Tensor map, int radius) => InTurn(map, radius, (x, square, padding) => max_pool2d(x, square, [1, 1], padding));

    /// <summary>The smallest value of each square.</summary>
    public static Tensor Min(Tensor map, int radius)
    {
        using var scope = NewDisposeScope();
        return Max(map.neg(), radius).neg().MoveToOuterDisposeScope();
    }

    /// <summary>The mean of each square.</summary>
    public static Tensor Mean(Tensor map, int radius) => InTurn(map, radius, (x, square, padding) => avg_pool2d(x, square, [1, 1], padding, count_include_pad: false));

    /// <summary>Smoothstep, 3x² − 2x³: leaves 0 and reaches 1 without a kink.</summary>
    public static Tensor Ease(Tensor map)
    {
        using var scope = NewDisposeScope();
        var square = map * map;
        return square.mul(Scalar(3)).sub(square.mul(map).mul(Scalar(2))).MoveToOuterDisposeScope();
    }

    private static Tensor InTurn(Tensor map, int radius, Func<Tensor, long[], long[], Tensor> filter)
    {
        using var scope = NewDisposeScope();
        var side = (2 * radius) + 1;
        var across = filter(map.unsqueeze(0).unsqueeze(0), [1, side], [0, radius]);
        return filter(across, [side, 1], [radius, 0]).squeeze(0).squeeze(0).MoveToOuterDisposeScope();
    }
}
