using System.Globalization;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Vae;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// Trains the autoencoder on drawn images: L1 and squared error of the image, and a small penalty that pulls the latents towards a unit
/// normal.
/// </summary>
internal sealed class AutoencoderTrainer : IDisposable
{
    /// <summary>Name of this stage in reports.</summary>
    public const string Stage = "autoencoder";

    private const int Batch = 4;
    private const double KlWeight = 1e-4;
    private readonly Images images;
    private readonly Generator generator;
    private readonly AutoencoderKL model;

    /// <summary>Creates a trainer with random weights from a seed.</summary>
    public AutoencoderTrainer(int seed)
    {
        images = new Images(seed);
        generator = new Generator((ulong)seed, CPU);
        using var initial = new InitialWeights(generator);
        _ = new AutoencoderKL(StorybookArchitecture.Autoencoder(), initial.Root);
        Parameters = new FlatParameters(initial, FlatParameters.FastType);
        model = new AutoencoderKL(StorybookArchitecture.Autoencoder(), Parameters.Source.Root);
    }

    /// <summary>Weights and optimizer state.</summary>
    public FlatParameters Parameters { get; }

    /// <summary>Images seen so far.</summary>
    public long Seen => Parameters.Steps * Batch;

    /// <summary>Whether training up to a number of images is complete.</summary>
    public bool IsDone(long total) => Parameters.Steps >= total / Batch;

    /// <summary>Trains up to a number of images, yielding a report after the first step, the last and every 50 steps.</summary>
    /// <param name="total">Total number of images.</param>
    /// <param name="cancellationToken">Stops the training after the current step, without an error.</param>
    public IEnumerable<TrainingProgress> Train(long total, CancellationToken cancellationToken = default)
    {
        const int Every = 50;
        var steps = total / Batch;
        var window = new LossWindow(Every, steps);
        while (Parameters.Steps < steps && !cancellationToken.IsCancellationRequested)
        {
            var (loss, error) = Step(new LearningRate(1.5e-3).At(Parameters.Steps, steps));
            if (window.Add(Parameters.Steps, loss, error) is not { } mean)
                continue;
            // The pixel range is 2, so the peak's square is 4.
            var psnr = string.Create(CultureInfo.InvariantCulture, $"PSNR {10 * Math.Log10(4 / mean.Second):F2} dB");
            yield return new(Stage, Seen, total, mean.First, psnr);
        }
    }

    /// <summary>The averaged weights in float32, for inference.</summary>
    public AutoencoderKL Averaged(out StoredWeights weights, double scalingFactor = 1)
    {
        weights = Parameters.AveragedSource();
        return new AutoencoderKL(StorybookArchitecture.Autoencoder(scalingFactor), weights.Root);
    }

    /// <summary>The reciprocal of the standard deviation of the latents' means, and that deviation per channel.</summary>
    public (double ScalingFactor, double[] ChannelDeviations) MeasureLatents()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var vae = Averaged(out var weights);
        using (weights)
        {
            var means = vae.Moments(Paint(1L << 40, 128)).Mean;
            return (1 / means.std().ReadDouble(), [.. means.std([0, 2, 3]).data<float>().Select(d => (double)d)]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Parameters.Dispose();
        generator.Dispose();
        images.Dispose();
    }

    private Tensor Paint(long first, int count)
        => Images.Pixels([.. Enumerable.Range(0, count).Select(i => images.Paint(images.Scene(first + i)))]);

    private (double Loss, double SquaredError) Step(double rate)
    {
        using var scope = NewDisposeScope();
        var pixels = Paint(Parameters.Steps * Batch, Batch);
        var (mean, logVariance) = model.Moments(pixels.to(Parameters.Dtype));
        var noise = randn(mean.shape, generator: generator).to(Parameters.Dtype);
        var decoded = model.Decode(mean.Plus((Scalar(0.5) * logVariance).exp() * noise)).to(ScalarType.Float32);
        var difference = decoded - pixels;
        var squared = difference.Squared().mean();
        var m = mean.to(ScalarType.Float32);
        var v = logVariance.to(ScalarType.Float32);
        var divergence = Scalar(0.5) * (m.Squared().Plus(v.exp()) - Scalar(1) - v).mean();
        var loss = difference.abs().mean().Plus(Scalar(2) * squared).Plus(Scalar(KlWeight) * divergence);
        loss.backward();
        Parameters.Step(rate, weightDecay: 0, averageDecay: 0.998);
        return (loss.ReadDouble(), squared.ReadDouble());
    }
}
