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

    private const int Batch = 24;
    private const int MaxKept = 120_000;
    private const double CaptionDropout = 0.1;
    private const double MinSnr = 5;
    private readonly ClipTokenizer tokenizer;
    private readonly Generator generator;
    private readonly UNet2DConditionModel unet;
    private readonly ClipTextModel textEncoder;
    private readonly Tensor alphasCumprod;
    private readonly AutoencoderKL vae;
    private readonly int seed;
    private readonly Images images;

    /// <summary>Creates a trainer.</summary>
    /// <param name="seed">Seed of weights, images and noise.</param>
    /// <param name="tokenizer">The trained tokenizer.</param>
    /// <param name="vae">The trained autoencoder with its scaling factor.</param>
    /// <param name="schedule">The noise schedule to train for.</param>
    /// <param name="begin">Replaces the random initial weights, for example by those of a saved state.</param>
    public DenoiserTrainer(int seed, ClipTokenizer tokenizer, AutoencoderKL vae, NoiseSchedule schedule, Action<FlatParameters> begin)
    {
        this.tokenizer = tokenizer;
        this.vae = vae;
        this.seed = seed;
        generator = new Generator((ulong)seed, CPU);
        var textConfig = StorybookArchitecture.TextEncoder(tokenizer.VocabularySize);
        using var initial = new InitialWeights(generator);
        _ = new UNet2DConditionModel(StorybookArchitecture.UNet, initial.Root["unet"]);
        _ = new ClipTextModel(textConfig, initial.Root["text_encoder"]);
        Parameters = new FlatParameters(initial, FlatParameters.FastType);
        begin(Parameters);
        unet = new UNet2DConditionModel(StorybookArchitecture.UNet, Parameters.Source.Root["unet"]);
        textEncoder = new ClipTextModel(textConfig, Parameters.Source.Root["text_encoder"]);
        alphasCumprod = tensor(schedule.AlphasCumprod.Select(a => (float)a).ToArray());
        // A different sequence of random numbers after each resumption; otherwise the run would see the same noise again.
        generator.manual_seed(seed + Parameters.Steps);
        images = new Images(seed);
    }

    /// <summary>Weights and optimizer state.</summary>
    public FlatParameters Parameters { get; }

    /// <summary>Images seen so far.</summary>
    public long Seen => Parameters.Steps * Batch;

    /// <summary>Trains up to a number of images, yielding a report after the first step, the last and every 25 steps.</summary>
    /// <param name="total">Total number of images.</param>
    /// <param name="groundingWeight">Weight of the attention loss.</param>
    /// <param name="cancellationToken">Stops the training after the current step, without an error.</param>
    public IEnumerable<TrainingProgress> Train(long total, double groundingWeight = 0.02, CancellationToken cancellationToken = default)
    {
        const int Every = 25;
        var steps = total / Batch;
        var window = new LossWindow(Every, steps);
        using var pool = new LatentPool(seed, vae, MaxKept, first: Parameters.Steps * Batch, end: steps * Batch);
        while (Parameters.Steps < steps && !cancellationToken.IsCancellationRequested)
        {
            var (noise, attention) = Step(pool, new LearningRate(1e-3, WarmUp: 200).At(Parameters.Steps, steps), groundingWeight);
            if (window.Add(Parameters.Steps, noise, attention) is not { } mean)
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

    private (double Noise, double Attention) Step(LatentPool pool, double rate, double groundingWeight)
    {
        using var scope = NewDisposeScope();
        var examples = Enumerable.Range(0, Batch).Select(_ => pool.Next()).ToList();
        var (ids, grounded) = Describe(examples);
        var config = StorybookArchitecture.UNet;
        var latents = tensor(examples.SelectMany(e => e.Latents).ToArray(), [Batch, config.InChannels, config.SampleSize, config.SampleSize]);
        var noise = randn(latents.shape, generator: generator);
        var timesteps = randint(0, alphasCumprod.shape[0], [Batch], generator: generator);
        var alphas = alphasCumprod.index_select(0, timesteps);
        var (signal, spread) = (alphas.sqrt().view(-1, 1, 1, 1), OneMinus(alphas).sqrt().view(-1, 1, 1, 1));
        var noisy = (latents * signal).Plus(noise * spread).to(Parameters.Dtype);
        // At high noise levels, the positions of the image's parts cannot be known.
        using var attention = new GroundingAttention(grounded, config.SampleSize, alphas.sqrt());
        var predicted = unet.Forward(noisy, timesteps, new Conditioning(textEncoder.Forward(ids)), attention).to(ScalarType.Float32);
        var snr = alphas / OneMinus(alphas);
        var weights = snr.clamp_max(Scalar(MinSnr)) / snr;
        var noiseLoss = ((predicted - noise).Squared().mean([1, 2, 3]) * weights).mean();
        var attentionLoss = grounded.Count > 0 ? attention.Loss() : zeros(1);
        noiseLoss.Plus(Scalar(groundingWeight) * attentionLoss).sum().backward();
        Parameters.Step(rate, averageDecay: 0.9995);
        return (noiseLoss.ReadDouble(), attentionLoss.ReadDouble());
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

        return (tensor(ids.ToArray(), [examples.Count, tokenizer.MaxLength]), grounded);
    }
}
