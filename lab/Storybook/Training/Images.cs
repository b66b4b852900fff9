using PromptToPrompt.Storybook.World;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>Drawn scenes as tensors. Image number i of a seed is always the same.</summary>
/// <param name="seed">Seed of the sequence of images.</param>
/// <param name="size">Side of the images in pixels.</param>
public sealed class Images(int seed, int size = 128) : IDisposable
{
    private readonly ScenePainter painter = new();

    /// <summary>The scene of an image number.</summary>
    public Scene Scene(long number) => World.Scene.Sample(Numbers(number));

    /// <summary>Paints a scene.</summary>
    public Painting Paint(Scene scene) => painter.Paint(scene, size);

    /// <summary>A random number generator for one image number.</summary>
    public Random Numbers(long number) => new(HashCode(seed, number));

    /// <summary>Paintings as float32 pixels, [B, 3, H, W] in −1…1.</summary>
    /// <param name="paintings">Paintings of one size.</param>
    /// <param name="device">Device of the result; null for the CPU.</param>
    public static Tensor Pixels(IReadOnlyList<Painting> paintings, Device? device = null)
    {
        var size = paintings[0].Size;
        var bytes = new byte[paintings.Count * size * size * 3];
        for (var i = 0; i < paintings.Count; i++)
            paintings[i].Rgb.CopyTo(bytes, i * size * size * 3);
        using var scope = NewDisposeScope();
        return tensor(bytes, [paintings.Count, size, size, 3]).to(device ?? CPU).permute(0, 3, 1, 2).to(ScalarType.Float32).div_(Scalar(127.5)).sub_(Scalar(1)).contiguous().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => painter.Dispose();

    // System.HashCode is not used because it differs between processes.
    private static int HashCode(int seed, long number)
    {
        var hash = ((ulong)(uint)seed << 32) ^ ((ulong)number * 0x9E3779B97F4A7C15UL);
        hash = (hash ^ (hash >> 31)) * 0xBF58476D1CE4E5B9UL;
        return (int)((hash ^ (hash >> 29)) & 0x7FFFFFFF);
    }
}
