using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>
/// Runs a convolutional network over a large map tile by tile, with the memory of one tile. Adjacent tiles overlap and are blended there.
/// Statistics over the network's whole input (group normalization, attention) are computed per tile.
/// </summary>
/// <param name="Tile">Side of a tile in input positions.</param>
/// <param name="Overlap">Minimum overlap of adjacent tiles in input positions.</param>
/// <param name="Up">Number of output positions per <paramref name="Down"/> input positions.</param>
/// <param name="Down">See <paramref name="Up"/>; divides the sides of input and tile.</param>
internal sealed record TiledPass(int Tile, int Overlap, int Up, int Down)
{
    /// <summary>[B, C, h, w] → [B, C', h·up/down, w·up/down].</summary>
    public Tensor Run(Tensor input, Func<Tensor, Tensor> network)
    {
        var (height, width) = (input.shape[2], input.shape[3]);
        if (height <= Tile && width <= Tile)
            return network(input);
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        var shares = zeros([1, 1, Out(height), Out(width)], device: input.device);
        foreach (var y in Starts(height))
        {
            foreach (var x in Starts(width))
            {
                using var tile = NewDisposeScope();
                var (h, w) = (Math.Min(Tile, height), Math.Min(Tile, width));
                var output = network(input.narrow(2, y, h).narrow(3, x, w).contiguous());
                var share = Ramp(y, h, height, input.device).unsqueeze(1) * Ramp(x, w, width, input.device);
                sum ??= zeros([output.shape[0], output.shape[1], Out(height), Out(width)], output.dtype, output.device).MoveToOuterDisposeScope();
                Part(sum).AddInPlace(output * share);
                Part(shares).AddInPlace(share);

                Tensor Part(Tensor whole) => whole.narrow(2, Out(y), Out(h)).narrow(3, Out(x), Out(w));
            }
        }

        return sum!.div_(shares).MoveToOuterDisposeScope();
    }

    private long Out(long positions) => positions * Up / Down;

    /// <summary>Start positions of the tiles; the last tile ends at the end of the map.</summary>
    private IEnumerable<long> Starts(long length)
    {
        var last = Math.Max(0, length - Tile);
        for (long start = 0; start < last; start += Tile - Overlap)
            yield return start;
        yield return last;
    }

    /// <summary>A tile's weight along one side: 1, falling linearly across the overlap with an adjacent tile.</summary>
    private Tensor Ramp(long start, long side, long length, Device device)
    {
        var (count, fade) = (Out(side), Out(Overlap));
        var share = new float[count];
        for (var i = 0; i < count; i++)
        {
            var before = start > 0 ? (i + 1f) / (fade + 1) : 1;
            var after = start + side < length ? (count - i) / (fade + 1f) : 1;
            share[i] = Math.Min(1, Math.Min(before, after));
        }

        return tensor(share, device: device);
    }
}
