using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics.Tests;

/// <summary>Every measure equals that of the published implementations, on the same pictures and small models.</summary>
[Trait("Category", "Reference")]
public sealed class ReferenceMetricsTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void ClipReadsImagesAndTexts()
    {
        using var goldens = Goldens("goldens.safetensors");
        using var clip = new ClipModel(ReferenceFolder.Require("tiny-clip"), tokenizer: null);
        var pixels = cat([clip.Pixels(Picture(0)), clip.Pixels(Picture(1))]);
        var expected = goldens.Read("clip.pixel_values");
        // A level of 255, divided by the smallest deviation.
        AssertClose(expected, pixels, (1 / 255.0 / 0.26) + Tolerance, "pixels");
        AssertClose(goldens.Read("clip.image_embeds"), clip.Embed(expected), Tolerance, "images");
        AssertClose(goldens.Read("clip.text_embeds"), clip.EmbedIds(goldens.Read("clip.input_ids").to(int64)), Tolerance, "texts");
        AssertClose(goldens.Read("clip.image_embeds")[0], clip.Embed(Picture(0))[0], 1e-3, "image");
    }

    [Fact]
    public void CaptionsAreTheTokensOfThePublishedTokenizer()
    {
        using var goldens = Goldens("goldens.safetensors");
        var tokenizer = ClipTokenizer.Load(ReferenceFolder.Require("tiny-sd15", "tokenizer"));
        using var json = JsonDocument.Parse(File.ReadAllText(ReferenceFolder.Require("metrics", "goldens.json")));
        string[] captions = [.. json.RootElement.GetProperty("captions").EnumerateArray().Select(caption => caption.GetString()!)];
        Assert.Equal(goldens.Read("clip.input_ids").to(int64).data<long>(), captions.SelectMany(caption => tokenizer.Tokenize(caption).Ids.Select(id => (long)id)));
        using var clip = new ClipModel(ReferenceFolder.Require("tiny-clip"), tokenizer);
        AssertClose(goldens.Read("clip.text_embeds"), cat([.. captions.Select(clip.Embed)]), Tolerance, "captions");
    }

    [Fact]
    public void DinoSeesTheStructure()
    {
        using var goldens = Goldens("goldens.safetensors");
        using var dino = new DinoModel(ReferenceFolder.Require("tiny-dino"));
        var resized = goldens.Read("dino.resized_0_255").to(ScalarType.Float32);
        AssertClose(resized, cat([dino.Resized(Picture(0)), dino.Resized(Picture(1))]), 1 + Tolerance, "resized");
        AssertClose(goldens.Read("dino.last_hidden_state"), dino.Forward(resized, out var keys), Tolerance, "hidden state");
        AssertClose(goldens.Read("dino.last_layer_keys"), keys, Tolerance, "keys");
        Assert.Equal(goldens.Read("dino.structure_distance").ReadDouble(), dino.StructureDistance(Picture(0), Picture(1)), Tolerance);
        Assert.Equal(0, dino.StructureDistance(Picture(0), Picture(0)), 1e-9);
    }

    [Theory]
    [InlineData("lin.safetensors")]
    [InlineData("lin.pth")]
    [InlineData("lin-legacy.pth")]
    public void LpipsMeasuresEveryLayer(string heads)
    {
        using var goldens = Goldens("lpips.safetensors");
        using var lpips = new Lpips(ReferenceFolder.Require("tiny-lpips", "squeezenet.safetensors"), ReferenceFolder.Require("tiny-lpips", heads));
        var layers = lpips.PerLayer(Picture(2).ToPixels(), Picture(3).ToPixels());
        AssertClose(goldens.Read("lpips.per_layer").flatten(), tensor(layers.ToArray()).to(ScalarType.Float32), Tolerance, "layers");
        Assert.Equal(goldens.Read("lpips.value").ReadDouble(), lpips.Distance(Picture(2), Picture(3)), Tolerance);
        Assert.Equal(0, lpips.Distance(Picture(2), Picture(2)));
    }

    [Theory]
    [InlineData(17, 40)]
    [InlineData(40, 17)]
    public void LpipsMeasuresTheSmallestImages(int width, int height)
    {
        using var lpips = new Lpips(ReferenceFolder.Require("tiny-lpips", "squeezenet.safetensors"), ReferenceFolder.Require("tiny-lpips", "lin.safetensors"));
        Assert.Equal(0, lpips.Distance(new Image(width, height, new byte[width * height * 3]), new Image(width, height, new byte[width * height * 3])));
    }

    [Fact]
    public void PixelsAreComparedInsideAndOutsideAMask()
    {
        using var goldens = Goldens("lpips.safetensors");
        var plain = PixelMetrics.Of(Picture(2), Picture(3));
        AssertEqual("", plain);
        var mask = goldens.Read("mask");
        var edited = new Image((int)mask.shape[1], (int)mask.shape[0], [.. mask.data<byte>().SelectMany(value => Enumerable.Repeat((byte)(value * 255), 3))]);
        AssertEqual("masked.", PixelMetrics.Of(OutsideMask.Of(Picture(2), edited), OutsideMask.Of(Picture(3), edited)));

        void AssertEqual(string prefix, PixelMetrics measured)
        {
            Assert.Equal(goldens.Read(prefix + "mse").ReadDouble(), measured.Mse, Tolerance);
            Assert.Equal(goldens.Read(prefix + "psnr").ReadDouble(), measured.Psnr, Tolerance);
            Assert.Equal(goldens.Read(prefix + "ssim").ReadDouble(), measured.Ssim, Tolerance);
        }
    }

    public void Dispose() => scope.Dispose();

    private static SafetensorsFile Goldens(string name) => SafetensorsFile.Open(ReferenceFolder.Require("metrics", name));

    private static Image Picture(int number) => Image.Load(ReferenceFolder.Require("metrics", $"picture-{number}.png"));
}
