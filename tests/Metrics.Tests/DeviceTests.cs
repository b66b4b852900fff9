using System.Runtime.InteropServices;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics.Tests;

/// <summary>
/// Models compute on their device. libtorch's META device stands for a GPU: an operation with tensors of two devices fails on both. It has no layer normalization and
/// no selection of rows, so that a model gets as far as its first one; what follows has tensors of the model and of that result alone.
/// </summary>
[Trait("Category", "Reference")]
public sealed class DeviceTests : IDisposable
{
    private const string FirstNorm = "aten::native_batch_norm: attempted to run this operator with Meta tensors";
    private const string FirstOfTexts = "aten::index_select: attempted to run this operator with Meta tensors";

    private readonly DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData("tiny-clip", "visual_projection.weight")]
    [InlineData("tiny-dino", "layernorm.weight")]
    public void WeightsAreOnTheDevice(string model, string name)
    {
        using var file = MetricWeights.Open("Clip", ReferenceFolder.Require(model)).Tensors;
        foreach (var device in new[] { CPU, META })
        {
            using var weights = MetricWeights.On(file, device);
            Assert.Equal(device.type, weights.Take(name, WeightInit.FanIn, 1, [.. file.Tensors[name].Shape]).device_type);
        }
    }

    [Fact]
    public void ClipComputesOnItsDevice()
    {
        using var clip = new ClipModel(ReferenceFolder.Require("tiny-clip"), ClipTokenizer.Load(ReferenceFolder.Require("tiny-sd15", "tokenizer")), META);
        Assert.Equal(DeviceType.META, clip.Device.type);
        Assert.Contains(FirstNorm, Assert.Throws<ExternalException>(() => clip.Embed(Picture)).Message, StringComparison.Ordinal);
        Assert.Contains(FirstOfTexts, Assert.Throws<ExternalException>(() => clip.Embed("a cat in the snow")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DinoComputesOnItsDevice()
    {
        using var dino = new DinoModel(ReferenceFolder.Require("tiny-dino"), META);
        Assert.Equal(DeviceType.META, dino.Device.type);
        Assert.Contains(FirstNorm, Assert.Throws<ExternalException>(() => dino.StructureDistance(Picture, Picture)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheCpuIsTheUsualDevice()
    {
        using var clip = new ClipModel(ReferenceFolder.Require("tiny-clip"), tokenizer: null);
        using var dino = new DinoModel(ReferenceFolder.Require("tiny-dino"));
        Assert.Equal((DeviceType.CPU, DeviceType.CPU), (clip.Device.type, dino.Device.type));
    }

    public void Dispose() => scope.Dispose();

    private static Image Picture => Image.Load(ReferenceFolder.Require("metrics", "picture-0.png"));
}
