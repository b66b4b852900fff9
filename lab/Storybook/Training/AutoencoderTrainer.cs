using System.Globalization;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.World;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// Trains the autoencoder on drawn images: L1 and squared error of the image, and a small penalty that pulls the latents towards a unit
/// normal; by the recipe also <see cref="EdgeLoss"/> and, later in the run, <see cref="AdversarialLoss"/>.
/// </summary>
internal sealed class AutoencoderTrainer : IDisposable
{
    /// <summary>Name of this stage in reports.</summary>
    public const string Stage = "autoencoder";

    private const string LastLayer = "decoder.conv_out.weight";
    private const string DiscriminatorPrefix = "discriminator.";
    private const double KlWeight = 1e-4;
    private const int HeldOutEvery = 250;
    private const int HeldOutImages = 16;

    // Far beyond the training images.
    private const long FirstHeldOut = 1L << 41;

    // Pixels that are encoded together to measure the latents.
    private const int MeasuredTogether = 128 * 128 * 128;
    private const int MeasuredImages = 128;
    private const long FirstMeasured = 1L << 40;

    private readonly TrainingRecipe recipe;
    private readonly AutoencoderRecipe numbers;
    private readonly int seed;
    private readonly TrainingDevice target;
    private readonly int drawingThreads;
    private readonly Generator generator;
    private readonly AutoencoderKL model;
    private readonly FlatParameters? judging;
    private readonly PatchDiscriminator? discriminator;

    /// <summary>Creates a trainer with random weights from a seed.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="seed">Seed of weights, images and noise.</param>
    /// <param name="target">Device and type; null for the CPU.</param>
    /// <param name="drawingThreads">Threads that draw images.</param>
    public AutoencoderTrainer(TrainingRecipe recipe, int seed, TrainingDevice? target = null, int drawingThreads = 1)
    {
        (this.recipe, numbers, this.seed, this.drawingThreads) = (recipe, recipe.Autoencoder, seed, drawingThreads);
        this.target = target ??= TrainingDevice.Cpu;
        generator = new Generator((ulong)seed, CPU);
        using var initial = new InitialWeights(generator);
        _ = new AutoencoderKL(recipe.Vae, initial.Root);
        if (numbers.BeginsLinear)
            LinearStart.Apply(initial, recipe.Vae);
        Parameters = new FlatParameters(initial, target);
        model = new AutoencoderKL(recipe.Vae, Parameters.Source.Root);
        if (numbers.AdversarialWeight <= 0)
            return;
        using var others = new Generator((ulong)seed + 1, CPU);
        using var untrained = new InitialWeights(others);
        _ = new PatchDiscriminator(untrained.Root);
        judging = new FlatParameters(untrained, target);
        discriminator = new PatchDiscriminator(judging.Source.Root);
    }

    /// <summary>Weights and optimizer state.</summary>
    public FlatParameters Parameters { get; }

    /// <summary>Images seen so far.</summary>
    public long Seen => Parameters.Steps * numbers.Batch;

    /// <summary>Whether training up to a number of images is complete.</summary>
    public bool IsDone(long total) => Parameters.Steps >= total / numbers.Batch;

    private IEnumerable<(string Prefix, FlatParameters Parameters)> Trained =>
        judging is null ? [("", Parameters)] : [("", Parameters), (DiscriminatorPrefix, judging)];

    /// <summary>Writes the state needed to resume.</summary>
    public void Save(string path) => TrainingState.Save(path, generator, Trained);

    /// <summary>Resumes from a saved state.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The state belongs to a model of another size.</exception>
    public void Resume(string path) => TrainingState.Load(path, generator, Trained);

    /// <summary>Trains up to a number of images, yielding a report after the first step, the last and every 50 steps.</summary>
    /// <param name="total">Total number of images.</param>
    /// <param name="cancellationToken">Stops the training after the current step, without an error.</param>
    public IEnumerable<TrainingProgress> Train(long total, CancellationToken cancellationToken = default)
    {
        const int Every = 50;
        var steps = total / numbers.Batch;
        using var window = new LossWindow(Every, steps);
        using var feed = new PictureFeed<Painting>(seed, Requests(Seen, steps * numbers.Batch), drawn => drawn.Painting, drawingThreads);
        using var heldOut = HeldOut();
        while (Parameters.Steps < steps && !cancellationToken.IsCancellationRequested)
        {
            var isSharpened = discriminator is not null && Parameters.Steps >= steps * numbers.AdversarialFrom;
            var losses = Step(feed.Next(numbers.Batch), new LearningRate(numbers.PeakRate).At(Parameters.Steps, steps), isSharpened);
            if (window.Add(Parameters.Steps, losses) is not { } mean)
                continue;
            // The pixel range is 2, so the peak's square is 4.
            var note = string.Create(CultureInfo.InvariantCulture, $"PSNR {10 * Math.Log10(4 / mean.Second):F2} dB");
            var fidelity = Parameters.Steps % HeldOutEvery == 0 || Parameters.Steps == steps ? Measure(heldOut) : null;
            yield return new(Stage, Seen, total, mean.First, note) { HeldOut = fidelity };
        }
    }

    /// <summary>The averaged weights in float32, for inference.</summary>
    public AutoencoderKL Averaged(out StoredWeights weights)
    {
        weights = Parameters.AveragedSource();
        return new AutoencoderKL(recipe.Vae, weights.Root);
    }

    /// <summary>The reciprocal of the standard deviation of the latents' means, and that deviation per channel.</summary>
    public (double ScalingFactor, double[] ChannelDeviations) MeasureLatents()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var vae = Averaged(out var weights);
        using (weights)
        {
            var together = Math.Clamp(MeasuredTogether / (recipe.ImageSide * recipe.ImageSide), 1, MeasuredImages);
            var parts = new List<Tensor>();
            using var feed = new PictureFeed<Painting>(seed, Requests(FirstMeasured, FirstMeasured + MeasuredImages), drawn => drawn.Painting, drawingThreads);
            for (var left = MeasuredImages; left > 0; left -= together)
                parts.Add(vae.Moments(Images.Pixels(feed.Next(Math.Min(left, together)), target.Device)).Mean);
            var means = parts.Count == 1 ? parts[0] : cat(parts, 0);
            return (1 / means.std().ReadDouble(), [.. means.std([0, 2, 3]).cpu().data<float>().Select(d => (double)d)]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Parameters.Dispose();
        judging?.Dispose();
        generator.Dispose();
    }

    private IEnumerable<(long Number, int Side)> Requests(long first, long end)
    {
        for (var number = first; number < end; number++)
            yield return (number, recipe.ImageSide);
    }

    private Tensor HeldOut()
    {
        using var feed = new PictureFeed<Painting>(seed, Requests(FirstHeldOut, FirstHeldOut + HeldOutImages), drawn => drawn.Painting, drawingThreads);
        return Images.Pixels(feed.Next(HeldOutImages), target.Device);
    }

    private ReconstructionFidelity Measure(Tensor heldOut)
    {
        var vae = Averaged(out var weights);
        using (weights)
            return ReconstructionFidelity.Of(vae, heldOut);
    }

    // Returns the loss and the squared error, [2].
    private Tensor Step(IReadOnlyList<Painting> paintings, double rate, bool isSharpened)
    {
        using var scope = NewDisposeScope();
        var pixels = Cropped(Images.Pixels(paintings, target.Device));
        var (mean, logVariance) = model.Moments(pixels.to(target.Dtype));
        // Drawn on the CPU, so that all devices see the same noise.
        var noise = randn(mean.shape, generator: generator).to(target.Device).to(target.Dtype);
        var decoded = model.DecodeTogether(mean.Plus((Scalar(0.5) * logVariance).exp() * noise)).to(ScalarType.Float32);
        var difference = decoded - pixels;
        var squared = difference.Squared().mean();
        var m = mean.to(ScalarType.Float32);
        var v = logVariance.to(ScalarType.Float32);
        var divergence = Scalar(0.5) * (m.Squared().Plus(v.exp()) - Scalar(1) - v).mean();
        var loss = difference.abs().mean().Plus(Scalar(2) * squared).Plus(Scalar(KlWeight) * divergence);
        if (numbers.EdgeWeight > 0)
            loss = loss.Plus(EdgeLoss.Of(difference) * Scalar(numbers.EdgeWeight));
        (isSharpened ? loss.Plus(Sharpen(loss, decoded)) : loss).backward();
        Parameters.Step(rate, weightDecay: 0, averageDecay: numbers.AverageDecay);
        if (isSharpened)
            Discriminate(pixels, decoded.detach(), rate);
        return stack([loss.detach(), squared.detach()]).MoveToOuterDisposeScope();
    }

    // One place for all images of a step, which depends on the step alone.
    private Tensor Cropped(Tensor pixels)
    {
        if (numbers.CropSide is not { } side || side >= recipe.ImageSide)
            return pixels;
        using var source = new Images(seed);
        var random = source.Numbers(Parameters.Steps ^ FirstHeldOut);
        return pixels.narrow(2, random.Next(recipe.ImageSide - side + 1), side).narrow(3, random.Next(recipe.ImageSide - side + 1), side).contiguous();
    }

    private Tensor Sharpen(Tensor reconstruction, Tensor decoded)
    {
        var adversarial = judging!.Frozen(() => AdversarialLoss.OfDecoder(discriminator!.Forward(decoded.to(target.Dtype))));
        var weight = AdversarialLoss.AdaptiveWeight(reconstruction, adversarial, Parameters.Leaf(LastLayer));
        return adversarial * weight * Scalar(numbers.AdversarialWeight);
    }

    private void Discriminate(Tensor drawn, Tensor decoded, double rate)
    {
        AdversarialLoss.OfDiscriminator(discriminator!.Forward(drawn.to(target.Dtype)), discriminator.Forward(decoded.to(target.Dtype))).backward();
        judging!.Step(rate, weightDecay: 0, averageDecay: 0, momentum: 0.5);
    }
}
