using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>
/// Learned perceptual similarity (Zhang et al., "LPIPS", arXiv 1801.03924) on SqueezeNet 1.1: the weighted squared difference of unit-length features of seven
/// layers, averaged over the image.
/// </summary>
internal sealed class Lpips : IDisposable
{
    // Layers of the network after which features are compared, with their channels.
    private static readonly (int Layer, long Channels)[] Taps = [(1, 64), (4, 128), (7, 256), (9, 384), (10, 384), (11, 512), (12, 512)];

    // The layers with weights other than the first: input channels, and the widths of a fire module.
    private static readonly (int Layer, long Inputs, long Squeezed, long Expanded)[] Fires =
        [(3, 64, 16, 64), (4, 128, 16, 64), (6, 128, 32, 128), (7, 256, 32, 128), (9, 256, 48, 192), (10, 384, 48, 192), (11, 384, 64, 256), (12, 512, 64, 256)];

    private static readonly float[] Shift = [-0.030f, -0.088f, -0.188f];
    private static readonly float[] Scale = [0.458f, 0.448f, 0.450f];

    // Large layers are computed and compared in bands of whole rows.
    private const long BandPositions = 1 << 16;

    private readonly StoredTensors backboneFile, headsFile;
    private readonly StoredWeights backbone, heads;
    private readonly Conv2d first;
    private readonly Dictionary<int, Fire> fires;
    private readonly Tensor[] linear;

    /// <summary>Smallest side of images: from a smaller one nothing is left after the last pooling.</summary>
    public const int MinSide = 17;

    /// <summary>Loads the network and its heads.</summary>
    /// <param name="backbonePath">The weights of torchvision's <c>squeezenet1_1</c>.</param>
    /// <param name="headsPath">The linear heads (<c>squeeze.pth</c> of the published code).</param>
    /// <exception cref="InvalidInputException">A file is missing, damaged or of another network.</exception>
    public Lpips(string backbonePath, string headsPath)
    {
        LibTorch.EnsureLoaded();
        backboneFile = StoredTensors.Open(backbonePath);
        headsFile = StoredTensors.Open(headsPath);
        (backbone, heads) = (new StoredWeights(backboneFile.Origin, backboneFile.Tensors), new StoredWeights(headsFile.Origin, headsFile.Tensors));
        try
        {
            var features = new WeightScope(backbone, "")["features"];
            first = new Conv2d(features[0], 3, 64, kernel: 3, stride: 2);
            fires = Fires.ToDictionary(fire => fire.Layer, fire => new Fire(features[fire.Layer], fire.Inputs, fire.Squeezed, fire.Expanded));
            linear = [.. Taps.Index().Select(tap => new WeightScope(heads, "")[$"lin{tap.Index}"]["model"][1].Take("weight", WeightInit.FanIn, tap.Item.Channels, 1, tap.Item.Channels, 1, 1))];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The distance of two images of the same size: 0 for equal ones.</summary>
    public double Distance(Image one, Image other)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return PerLayer(one.ToPixels(), other.ToPixels()).Sum();
    }

    /// <summary>The distance of two images at each of the seven layers.</summary>
    /// <param name="one">[1, 3, H, W] in −1…1.</param>
    /// <param name="other">The same.</param>
    public IReadOnlyList<double> PerLayer(Tensor one, Tensor other)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor x = Normalized(one), y = Normalized(other);
        var distances = new List<double>();
        for (var layer = 0; layer <= Taps[^1].Layer; layer++)
        {
            // The features of a large image take gigabytes: each layer's are freed as soon as the next has read them.
            (x, y) = (Next(layer, x), Next(layer, y));
            if (Taps[distances.Count].Layer == layer)
                distances.Add(FeatureDistance(x, y, linear[distances.Count]));
        }

        return distances;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        backbone.Dispose();
        heads.Dispose();
        backboneFile.Dispose();
        headsFile.Dispose();
    }

    private static Tensor Normalized(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return ((pixels - tensor(Shift, [1, 3, 1, 1], device: CPU)) / tensor(Scale, [1, 3, 1, 1], device: CPU)).MoveToOuterDisposeScope();
    }

    // Disposes its input.
    private Tensor Next(int layer, Tensor input)
    {
        using var scope = NewDisposeScope();
        using var x = input;
        var output = layer switch
        {
            0 => First(x),
            // In place: another tensor of the same memory, because the input is disposed.
            1 => x.relu_().alias(),
            2 or 5 or 8 => nn.functional.max_pool2d(x, 3, 2, ceil_mode: true),
            _ => fires[layer].Forward(x),
        };
        return output.MoveToOuterDisposeScope();
    }

    // The convolution pads the three colors to tens of channels, so a whole image would take gigabytes.
    private Tensor First(Tensor pixels)
    {
        var (rows, columns) = ((pixels.shape[2] - 1) / 2, (pixels.shape[3] - 1) / 2);
        var output = empty([pixels.shape[0], Taps[0].Channels, rows, columns], pixels.dtype);
        var band = Math.Max(1, BandPositions / columns);
        for (var top = 0L; top < rows; top += band)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(band, rows - top);
            output.narrow(2, top, count).copy_(first.Forward(pixels.narrow(2, 2 * top, (2 * count) + 1)));
        }

        return output;
    }

    private static double FeatureDistance(Tensor x, Tensor y, Tensor weights)
    {
        var (rows, positions) = (x.shape[2], (double)(x.shape[2] * x.shape[3]));
        var band = Math.Max(1, BandPositions / x.shape[3]);
        var sum = 0.0;
        for (var top = 0L; top < rows; top += band)
        {
            using var scope = NewDisposeScope();
            Tensor a = Unit(x.narrow(2, top, Math.Min(band, rows - top))), b = Unit(y.narrow(2, top, Math.Min(band, rows - top)));
            sum += ((a - b).Squared() * weights).sum(ScalarType.Float64).ReadDouble();
        }

        return sum / positions;

        static Tensor Unit(Tensor features) => features / features.Squared().sum(1, keepdim: true).sqrt().Plus(Scalar(1e-10));
    }

    private sealed class Fire(WeightScope weights, long inputs, long squeezed, long expanded)
    {
        private readonly Conv2d squeeze = new(weights["squeeze"], inputs, squeezed, kernel: 1);
        private readonly Conv2d expand1 = new(weights["expand1x1"], squeezed, expanded, kernel: 1);
        private readonly Conv2d expand3 = new(weights["expand3x3"], squeezed, expanded, kernel: 3, padding: 1);

        public Tensor Forward(Tensor x)
        {
            var narrow = squeeze.Forward(x).relu();
            return cat([expand1.Forward(narrow), expand3.Forward(narrow)], 1).relu_();
        }
    }
}
