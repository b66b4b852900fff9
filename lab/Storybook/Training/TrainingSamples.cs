using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>A sample image of a training run.</summary>
/// <param name="Image">The image.</param>
/// <param name="Caption">Its caption.</param>
public sealed record TrainingSample(Image Image, string Caption);

/// <summary>The samples of a stage: always the same images or captions, so that sheets can be compared.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Images">Number of images seen in training.</param>
/// <param name="Samples">The samples, row-major.</param>
/// <param name="Columns">Number of samples per row.</param>
public sealed record TrainingSamples(string Stage, long Images, IReadOnlyList<TrainingSample> Samples, int Columns)
{
    private const int RoundTripCount = 8;
    private const int SeedsOfEachCaption = 2;

    // Far beyond the training images.
    private const long FirstRoundTrip = 1L << 42;

    private static readonly string[] Captions =
    [
        "a red cat in a field",
        "a brown horse in a forest in the snow",
        "a castle in the mountains at night",
        "a watercolor of a house by a lake",
        "a children's drawing of a rabbit in a field",
        "a blue car in the city at sunset",
    ];

    /// <summary>Drawn images, each next to its reconstruction by the autoencoder.</summary>
    internal static TrainingSamples RoundTrips(AutoencoderKL vae, int side, Device device, int seed, long seen)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var images = new Images(seed, side);
        var scenes = Enumerable.Range(0, RoundTripCount).Select(i => images.Scene(FirstRoundTrip + i)).ToList();
        var paintings = scenes.Select(images.Paint).ToList();
        var decoded = vae.DecodeImages(vae.Encode(Training.Images.Pixels(paintings, device)));
        var samples = scenes.SelectMany((scene, i) => new TrainingSample[]
        {
            new(new Image(paintings[i].Size, paintings[i].Size, paintings[i].Rgb), Caption.Canonical(scene).Text),
            new(decoded[i], "encoded and decoded"),
        });
        return new(AutoencoderTrainer.Stage, seen, [.. samples], Columns: 4);
    }

    /// <summary>Images of fixed captions from fixed noise.</summary>
    internal static TrainingSamples Generated(StableDiffusionModel model, long seen, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var side = model.ImageSide;
        var wanted = Captions.SelectMany(caption => Enumerable.Range(0, SeedsOfEachCaption).Select(seed => (Caption: caption, Seed: seed))).ToList();
        var drawn = SampleImages.Draw(
            model,
            cat([.. wanted.Select(w => InitialNoise.FromSeed(model, (ulong)w.Seed, side, side))], 0),
            TextConditioning.Encode(model, wanted.Select(w => model.Tokenizer.Tokenize(w.Caption))),
            TextConditioning.EncodeNegative(model, ""),
            cancellationToken);
        return new(DenoiserTrainer.Stage, seen, [.. drawn.Select((image, i) => new TrainingSample(image, wanted[i].Caption))], Columns: 4);
    }
}
