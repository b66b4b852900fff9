using System.Globalization;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.World;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// Trains U-Net and text encoder together to predict the noise in latents, weighted by min-SNR-5 (Hang et al., arXiv 2303.09556). A tenth
/// of the captions is dropped for classifier-free guidance, and the words' attention is pulled towards what they name.
/// </summary>
internal sealed class DenoiserTrainer : IDisposable
{
    /// <summary>Name of this stage in reports.</summary>
    public const string Stage = "denoiser";

    private const double CaptionDropout = 0.1;
    private const double MinSnr = 5;
    private readonly TrainingRecipe recipe;
    private readonly DenoiserRecipe numbers;
    private readonly TrainingDevice target;
    private readonly int drawingThreads;
    private readonly ClipTokenizer tokenizer;
    private readonly Generator generator;
    private readonly UNet2DConditionModel unet;
    private readonly ClipTextModel textEncoder;
    private readonly Tensor alphasCumprod;
    private readonly AutoencoderKL vae;
    private readonly int seed;
    private readonly Images images;

    /// <summary>Creates a trainer with random weights from a seed.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="seed">Seed of weights, images and noise.</param>
    /// <param name="tokenizer">The trained tokenizer.</param>
    /// <param name="vae">The trained autoencoder with its scaling factor, on the device.</param>
    /// <param name="schedule">The noise schedule to train for.</param>
    /// <param name="target">Device and type; null for the CPU.</param>
    /// <param name="drawingThreads">Threads that draw images.</param>
    public DenoiserTrainer(
        TrainingRecipe recipe, int seed, ClipTokenizer tokenizer, AutoencoderKL vae, NoiseSchedule schedule, TrainingDevice? target = null, int drawingThreads = 1)
    {
        (this.recipe, numbers, this.seed, this.drawingThreads) = (recipe, recipe.Denoiser, seed, drawingThreads);
        this.target = target ??= TrainingDevice.Cpu;
        this.tokenizer = tokenizer;
        this.vae = vae;
        generator = new Generator((ulong)seed, CPU);
        var textConfig = recipe.TextEncoder(tokenizer.VocabularySize);
        using var initial = new InitialWeights(generator);
        _ = new UNet2DConditionModel(recipe.UNet, initial.Root["unet"]);
        _ = new ClipTextModel(textConfig, initial.Root["text_encoder"]);
        Parameters = new FlatParameters(initial, target);
        unet = new UNet2DConditionModel(recipe.UNet, Parameters.Source.Root["unet"]);
        textEncoder = new ClipTextModel(textConfig, Parameters.Source.Root["text_encoder"]);
        alphasCumprod = tensor(schedule.AlphasCumprod.Select(a => (float)a).ToArray(), device: target.Device);
        generator.manual_seed(seed);
        images = new Images(seed);
    }

    /// <summary>Weights and optimizer state.</summary>
    public FlatParameters Parameters { get; }

    /// <summary>Images seen so far.</summary>
    public long Seen => Parameters.Steps * numbers.Batch;

    /// <summary>Writes the state needed to resume.</summary>
    public void Save(string path) => TrainingState.Save(path, generator, ("", Parameters));

    /// <summary>Resumes from a saved state.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The state belongs to a model of another size.</exception>
    public void Resume(string path) => TrainingState.Load(path, generator, ("", Parameters));

    /// <summary>Trains up to a number of images, yielding a report after the first step, the last and every 25 steps.</summary>
    /// <param name="total">Total number of images.</param>
    /// <param name="groundingWeight">Weight of the attention loss.</param>
    /// <param name="cancellationToken">Stops the training after the current step, without an error.</param>
    public IEnumerable<TrainingProgress> Train(long total, double groundingWeight = 0.02, CancellationToken cancellationToken = default)
    {
        const int Every = 25;
        var steps = total / numbers.Batch;
        using var window = new LossWindow(Every, steps);
        using var pool = new LatentPool(seed, recipe.ImageSide, vae, target.Device, numbers.Kept, first: Seen, end: steps * numbers.Batch, drawingThreads);
        while (Parameters.Steps < steps && !cancellationToken.IsCancellationRequested)
        {
            var losses = Step(pool, new LearningRate(numbers.PeakRate, WarmUp: 200).At(Parameters.Steps, steps), groundingWeight);
            if (window.Add(Parameters.Steps, losses) is not { } mean)
                continue;
            yield return new(Stage, Seen, total, mean.First, string.Create(CultureInfo.InvariantCulture, $"attention KL {mean.Second:F3}"));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        images.Dispose();
        Parameters.Dispose();
        alphasCumprod.Dispose();
        generator.Dispose();
    }

    // Returns the loss of the noise and of the attention, [2].
    private Tensor Step(LatentPool pool, double rate, double groundingWeight)
    {
        using var scope = NewDisposeScope();
        var examples = Enumerable.Range(0, numbers.Batch).Select(_ => pool.Next()).ToList();
        var (ids, grounded) = Describe(examples);
        var (config, device) = (recipe.UNet, target.Device);
        var latents = tensor(Joined(examples), [numbers.Batch, config.InChannels, config.SampleSize, config.SampleSize]).to(device);
        // Drawn on the CPU, so that all devices see the same noise.
        var noise = randn(latents.shape, generator: generator).to(device);
        var timesteps = randint(0, alphasCumprod.shape[0], [numbers.Batch], generator: generator).to(device);
        var alphas = alphasCumprod.index_select(0, timesteps);
        var (signal, spread) = (alphas.sqrt().view(-1, 1, 1, 1), OneMinus(alphas).sqrt().view(-1, 1, 1, 1));
        var noisy = (latents * signal).Plus(noise * spread).to(target.Dtype);
        // At high noise levels, the positions of the image's parts cannot be known.
        using var attention = new GroundingAttention(grounded, config.SampleSize, alphas.sqrt());
        var predicted = unet.Forward(noisy, timesteps, new Conditioning(textEncoder.Forward(ids)), attention).to(ScalarType.Float32);
        var snr = alphas / OneMinus(alphas);
        var weights = snr.clamp_max(Scalar(MinSnr)) / snr;
        var noiseLoss = ((predicted - noise).Squared().mean([1, 2, 3]) * weights).mean();
        var attentionLoss = grounded.Count > 0 ? attention.Loss() : zeros([], device: device);
        noiseLoss.Plus(Scalar(groundingWeight) * attentionLoss).sum().backward();
        Parameters.Step(rate, averageDecay: numbers.AverageDecay);
        return stack([noiseLoss.detach(), attentionLoss.detach()]).MoveToOuterDisposeScope();
    }

    private static float[] Joined(List<EncodedImage> examples)
    {
        var size = examples[0].Latents.Length;
        var joined = new float[examples.Count * size];
        for (var i = 0; i < examples.Count; i++)
            examples[i].Latents.CopyTo(joined, i * size);
        return joined;
    }

    private (Tensor Ids, List<GroundedToken> Grounded) Describe(List<EncodedImage> examples)
    {
        var ids = new List<long>();
        var grounded = new List<GroundedToken>();
        for (var row = 0; row < examples.Count; row++)
        {
            var random = images.Numbers(examples[row].Number ^ (1L << 50));
            var caption = Caption.Compose(examples[row].Scene, random);
            var dropped = random.NextDouble() < CaptionDropout;
            var prompt = tokenizer.Tokenize(dropped ? "" : caption.Text);
            ids.AddRange(prompt.Ids.Select(id => (long)id));
            if (dropped)
                continue;
            foreach (var word in caption.Grounding)
            {
                var region = examples[row].Regions[(int)word.Part];
                if (region.Sum() < 0.5f || word.WordIndex >= prompt.Words.Count)
                    continue;
                grounded.AddRange(prompt.Words[word.WordIndex].Tokens.Select(token => new GroundedToken(row, token, region)));
            }
        }

        return (tensor(ids.ToArray(), [examples.Count, tokenizer.MaxLength], device: target.Device), grounded);
    }
}
