using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>The autoencoder of Stable Diffusion, image ↔ latents (Rombach et al., arXiv 2112.10752, §3.1).</summary>
internal sealed class AutoencoderKL
{
    // Pixels that are decoded together: the decoder's largest feature maps take about 2 kB per pixel.
    private const long PixelsTogether = 512 * 512;

    // The training image size of most models, in pixels; a quarter overlaps.
    internal const int TileSide = 512;
    private const int TileOverlap = 128;

    private readonly Encoder encoder;
    private readonly Conv2d quantConv;
    private readonly Conv2d postQuantConv;
    private readonly Decoder decoder;

    /// <summary>Builds the model from its config and weights.</summary>
    internal AutoencoderKL(AutoencoderConfig config, WeightScope weights)
    {
        Config = config;
        encoder = new Encoder(weights["encoder"], config);
        quantConv = new Conv2d(weights["quant_conv"], config.LatentChannels * 2, config.LatentChannels * 2, 1);
        postQuantConv = new Conv2d(weights["post_quant_conv"], config.LatentChannels, config.LatentChannels, 1);
        decoder = new Decoder(weights["decoder"], config);
    }

    /// <summary>The model's config.</summary>
    internal AutoencoderConfig Config { get; }

    /// <summary>
    /// Whether images larger than 512 pixels are processed in tiles. This needs the memory of one tile and changes colors slightly.
    /// </summary>
    public bool IsTiled { get; init; }

    /// <summary>Computes the mean and log-variance of the latents' distribution, unscaled.</summary>
    /// <param name="pixels">Images, [B, 3, H, W] in −1…1; H and W multiples of <see cref="AutoencoderConfig.PixelsPerLatent"/>.</param>
    /// <returns>Two tensors [B, latent channels, H/f, W/f].</returns>
    public (Tensor Mean, Tensor LogVariance) Moments(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var halves = Tiled(TileSide, up: 1, down: Config.PixelsPerLatent, pixels, part => quantConv.Forward(encoder.Forward(part))).chunk(2, 1);
        return (halves[0].MoveToOuterDisposeScope(), halves[1].clamp(Scalar(-30), Scalar(20)).MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Encodes images into latents scaled for the U-Net: the distribution's mean z times the scaling factor, or (z − mean) · scaling
    /// factor / deviation for autoencoders with means and deviations per channel.
    /// </summary>
    /// <inheritdoc cref="Moments"/>
    public Tensor Encode(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var mean = Moments(pixels).Mean;
        var scaled = Config.LatentMeans is { } means && Config.LatentDeviations is { } deviations
            ? (mean - PerChannel(means, mean)) * PerChannel(deviations.Select(deviation => Config.ScalingFactor / deviation), mean)
            : mean * Scalar(Config.ScalingFactor);
        return scaled.MoveToOuterDisposeScope();
    }

    /// <summary>Decodes scaled latents: [B, latent channels, h, w] → [B, 3, h·f, w·f], about −1…1.</summary>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var pixels = latents.shape[2] * latents.shape[3] * Config.PixelsPerLatent * Config.PixelsPerLatent;
        // Small images free little memory, and their previews follow in quick succession.
        if (pixels >= PixelsTogether)
            FreedMemory.GiveBack();
        var parts = latents.split(Math.Max(1, PixelsTogether / pixels)).Select(DecodeTogether).ToList();
        return (parts.Count == 1 ? parts[0] : cat(parts, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>The same for a batch that fits in memory, in one pass, which a GPU does in less time.</summary>
    /// <inheritdoc cref="Decode"/>
    internal Tensor DecodeTogether(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var unscaled = Config.LatentMeans is { } means && Config.LatentDeviations is { } deviations
            ? (latents * PerChannel(deviations.Select(deviation => deviation / Config.ScalingFactor), latents)).add(PerChannel(means, latents), Scalar(1))
            : latents * Scalar(1 / Config.ScalingFactor);
        return Tiled(TileSide / Config.PixelsPerLatent, up: Config.PixelsPerLatent, down: 1, unscaled, part => decoder.Forward(postQuantConv.Forward(part)))
            .MoveToOuterDisposeScope();
    }

    // [1, channels, 1, 1], with the latents' type and device.
    private static Tensor PerChannel(IEnumerable<double> numbers, Tensor latents) =>
        tensor(numbers.Select(number => (float)number).ToArray(), dtype: latents.dtype, device: latents.device).reshape(1, -1, 1, 1);

    private Tensor Tiled(int side, int up, int down, Tensor input, Func<Tensor, Tensor> network) =>
        IsTiled ? new TiledPass(side, side * TileOverlap / TileSide, up, down).Run(input, network) : network(input);
    /// <summary>Decodes latents, [images, channels, h, w], into images, one by one to limit memory.</summary>
    /// <exception cref="InvalidInputException">The result has NaN or infinite values.</exception>
    public IReadOnlyList<Image> DecodeImages(Tensor latents)
    {
        using var _ = no_grad();
        var images = new List<Image>();
        for (var i = 0L; i < latents.shape[0]; i++)
        {
            using var scope = NewDisposeScope();
            var pixels = Decode(latents.narrow(0, i, 1).to(ScalarType.Float32));
            if (!FiniteNumbers.AreAll(pixels))
                throw new InvalidInputException("The autoencoder produced NaN or infinite values, so its weights are damaged. Download the model's VAE again.");
            // Bytes are truncated instead of rounded, to match the authors' code.
            var bytes = pixels.mul(Scalar(0.5)).AddInPlace(Scalar(0.5)).clamp_(Scalar(0), Scalar(1)).mul_(Scalar(255)).to(ScalarType.Byte)[0].permute(1, 2, 0).contiguous().cpu();
            images.Add(new Image((int)bytes.shape[1], (int)bytes.shape[0], bytes.data<byte>().ToArray()));
        }

        return images;
    }

    /// <summary>Encodes an image into latents scaled for the U-Net: the mean of their distribution, [1, channels, h, w] float32.</summary>
    /// <param name="image">The image.</param>
    /// <param name="device">Device of the weights; null for the CPU.</param>
    /// <exception cref="InvalidInputException">A side is not a multiple of the pixels per latent.</exception>
    public Tensor EncodeImage(Image image, Device? device = null)
    {
        var multiple = Config.PixelsPerLatent;
        if (image.Width % multiple != 0 || image.Height % multiple != 0)
            throw new InvalidInputException($"The image is {image.Size} pixels; its sides must be multiples of {multiple}. Frame it first.");
        using var _ = no_grad();
        using var pixels = image.ToPixels(device);
        return Encode(pixels);
    }

}
