using System.Globalization;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>The reliability of a judge: the share of held-out drawings that it judges correctly.</summary>
/// <param name="Slot">The judged slot.</param>
/// <param name="Images">Number of drawings with a known value.</param>
/// <param name="Accuracy">Share of them judged correctly.</param>
internal sealed record JudgeAccuracy(Slot Slot, int Images, double Accuracy);

/// <summary>Progress of a judge's training.</summary>
/// <param name="Images">Images seen so far.</param>
/// <param name="Total">Total number of images.</param>
/// <param name="Loss">Cross-entropy per slot, averaged over the slots and the last steps.</param>
internal readonly record struct JudgeProgress(long Images, long Total, double Loss);

/// <summary>
/// Trains a judge on newly drawn images of both sizes used by the world's models. A model's images are softer and noisier than drawings,
/// so some drawings are blurred, and all of them get some noise and a change in brightness.
/// </summary>
internal sealed class JudgeTraining : IDisposable
{
    /// <summary>Images per step, and the minimum of a training run.</summary>
    public const int Batch = 32;

    // No other code draws from these seeds.
    private const int TrainingSeed = 71_001;
    private const int HeldOutSeed = 71_002;
    private const int Every = 25;
    private const double Blurred = 0.6;
    private const double MaxNoise = 0.12;

    // The label that cross_entropy ignores.
    private const int Unknown = -100;
    private static readonly int[] Sizes = [128, 64];
    private readonly TrainingDevice target;
    private readonly int drawingThreads;
    private readonly Generator generator;
    private readonly FlatParameters parameters;
    private readonly JudgeNetwork network;

    /// <summary>Creates an untrained judge.</summary>
    /// <param name="target">Device and type; null for the CPU.</param>
    /// <param name="drawingThreads">Threads that draw images.</param>
    public JudgeTraining(TrainingDevice? target = null, int drawingThreads = 1)
    {
        (this.target, this.drawingThreads) = (target ?? TrainingDevice.Cpu, drawingThreads);
        generator = new Generator(TrainingSeed, CPU);
        using var initial = new InitialWeights(generator);
        _ = new JudgeNetwork(initial.Root);
        parameters = new FlatParameters(initial, this.target);
        network = new JudgeNetwork(parameters.Source.Root);
    }

    /// <summary>Trains up to a number of images, yielding reports.</summary>
    /// <param name="total">Number of images.</param>
    /// <param name="cancellationToken">Stops the training after the current step, without an error.</param>
    public IEnumerable<JudgeProgress> Train(long total, CancellationToken cancellationToken = default)
    {
        var steps = total / Batch;
        using var window = new LossWindow(Every, steps);
        using var feed = new PictureFeed<DrawnPicture>(TrainingSeed, Requests(parameters.Steps, steps), drawn => drawn, drawingThreads);
        // The numbers of an image do not depend on its size.
        using var source = new Images(TrainingSeed);
        while (parameters.Steps < steps && !cancellationToken.IsCancellationRequested)
        {
            var random = source.Numbers(parameters.Steps * Batch);
            var losses = Step(feed.Next(Batch), random, new LearningRate(2e-3, DecayShare: 0.5).At(parameters.Steps, steps));
            if (window.Add(parameters.Steps, losses) is { } mean)
                yield return new(parameters.Steps * Batch, total, mean.First);
        }
    }

    /// <summary>Writes the state needed to resume.</summary>
    public void SaveState(string path) => TrainingState.Save(path, generator, ("", parameters));

    /// <summary>Resumes from a saved state.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The state belongs to another network.</exception>
    public void Resume(string path) => TrainingState.Load(path, generator, ("", parameters));

    /// <summary>Writes the averaged weights as float16.</summary>
    /// <param name="path">Destination path.</param>
    public void Save(string path)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(
            path,
            parameters.Averaged().Select(w => KeyValuePair.Create(w.Key, w.Value.to(ScalarType.Float16))).ToList(),
            new Dictionary<string, string> { ["pictures"] = (parameters.Steps * Batch).ToString(CultureInfo.InvariantCulture) });
    }

    /// <summary>Tests a judge on held-out drawings.</summary>
    /// <param name="judge">The judge.</param>
    /// <param name="size">Side of the drawings in pixels.</param>
    /// <param name="count">Number of drawings.</param>
    /// <param name="through">Transforms the drawings ([B, 3, H, W] in −1…1) before they are judged; null for none.</param>
    public static IReadOnlyList<JudgeAccuracy> Validate(ImageJudge judge, int size, int count = 1000, Func<Tensor, Tensor>? through = null)
    {
        using var _ = no_grad();
        using var images = new Images(HeldOutSeed, size);
        var answers = new List<(Slot Slot, bool Right)>();
        foreach (var numbers in Enumerable.Range(0, count).Chunk(Batch))
        {
            using var scope = NewDisposeScope();
            var scenes = numbers.Select(number => images.Scene(number)).ToList();
            var pixels = Images.Pixels([.. scenes.Select(images.Paint)]);
            var judgements = judge.Judge(through?.Invoke(pixels) ?? pixels);
            foreach (var (scene, judgement) in scenes.Zip(judgements))
                answers.AddRange(Slots.All.SelectMany(slot => judgement.Agrees(scene, slot) is { } right ? new[] { (slot, right) } : []));
        }

        return [.. answers.GroupBy(answer => answer.Slot).OrderBy(group => group.Key)
            .Select(group => new JudgeAccuracy(group.Key, group.Count(), group.Average(answer => answer.Right ? 1.0 : 0.0)))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        parameters.Dispose();
        generator.Dispose();
    }

    // A step's images have one size, because they are a tensor.
    private static IEnumerable<(long Number, int Side)> Requests(long step, long steps)
    {
        for (; step < steps; step++)
        {
            for (var i = 0; i < Batch; i++)
                yield return ((step * Batch) + i, Sizes[step % Sizes.Length]);
        }
    }

    // Returns the loss twice, [2].
    private Tensor Step(IReadOnlyList<DrawnPicture> pictures, Random random, double rate)
    {
        using var scope = NewDisposeScope();
        var pixels = Worn(Images.Pixels([.. pictures.Select(picture => picture.Painting)], target.Device), random);
        var scores = network.Forward(pixels.to(target.Dtype));
        var losses = Slots.All.Select(slot => nn.functional.cross_entropy(
            scores[(int)slot], tensor(pictures.Select(picture => (long)(Slots.Of(picture.Scene, slot) ?? Unknown)).ToArray(), device: target.Device), ignore_index: Unknown));
        var loss = stack(losses).mean();
        loss.backward();
        parameters.Step(rate, averageDecay: 0.995);
        return stack([loss.detach(), loss.detach()]).MoveToOuterDisposeScope();
    }

    private Tensor Worn(Tensor pixels, Random random)
    {
        using var scope = NewDisposeScope();
        var worn = nn.functional.adaptive_avg_pool2d(pixels, [JudgeNetwork.Side, JudgeNetwork.Side]);
        if (random.NextDouble() < Blurred)
        {
            var side = random.Next(JudgeNetwork.Side / 3, JudgeNetwork.Side);
            var small = nn.functional.adaptive_avg_pool2d(worn, [side, side]);
            worn = nn.functional.interpolate(small, [JudgeNetwork.Side, JudgeNetwork.Side], mode: InterpolationMode.Bilinear, align_corners: false);
        }

        long[] each = [Batch, 1, 1, 1];
        var contrast = (rand(each, generator: generator) * Scalar(0.3)).Plus(Scalar(0.85)).to(target.Device);
        var brightness = ((rand(each, generator: generator) * Scalar(0.2)) - Scalar(0.1)).to(target.Device);
        var noise = (randn(worn.shape, generator: generator) * rand(each, generator: generator) * Scalar(MaxNoise)).to(target.Device);
        return (worn * contrast).Plus(brightness).Plus(noise).MoveToOuterDisposeScope();
    }
}
