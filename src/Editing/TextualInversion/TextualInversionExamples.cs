using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>
/// The training data: the images' latents, encoded once and noised with fresh noise in each batch. Batch i of a seed is always the same,
/// so that a run can resume at any step.
/// </summary>
internal sealed class TextualInversionExamples : IDisposable
{
    // An index that no step uses.
    private const long HeldOutNumber = -1;
    private readonly StableDiffusionModel model;
    private readonly TextualInversionSettings settings;
    private readonly NoiseSchedule schedule;
    private readonly List<Entry> entries = [];

    public TextualInversionExamples(StableDiffusionModel model, PlaceholderWord word, TextualInversionSettings settings, IReadOnlyList<ExampleImage> images)
    {
        InvalidInputException.Require(images.Count > 0, "There are no images to learn from. Give a few images of the same thing.");
        var size = images[0].Image.Size;
        InvalidInputException.Require(images.All(image => image.Image.Size == size), "The images must be framed to the same size.");
        this.model = model;
        this.settings = settings;
        schedule = NoiseSchedule.Create(model.SchedulerConfig.Noise);
        using var scope = NewDisposeScope();
        var templates = settings.Templates.Select(word.Read).ToList();
        foreach (var image in images)
        {
            IReadOnlyList<TokenizedPrompt> prompts = image.Caption is { } caption ? [word.Read(caption)] : templates;
            entries.Add(new Entry(Encode(image.Image), prompts, image.Sizes));
            if (settings.Flip)
                entries.Add(new Entry(Encode(image.Image.Mirror()), prompts, image.Sizes));
        }

        Tensor Encode(Diffusion.Images.Image image) => model.Vae.EncodeImage(image, model.Device).DetachFromDisposeScope();
    }

    /// <summary>The training examples of a step, batch by batch.</summary>
    /// <param name="step">The step, from 0.</param>
    public IEnumerable<TextualInversionBatch> Step(int step) =>
        Enumerable.Range(0, settings.Accumulation).Select(i => Draw(((long)step * settings.Accumulation) + i, settings.Batch));

    /// <summary>Held-out examples that no step uses: evenly spaced noise levels, images equally often.</summary>
    /// <param name="count">Number of examples.</param>
    public IEnumerable<TextualInversionBatch> HeldOut(int count)
    {
        for (var first = 0; first < count; first += settings.Batch)
        {
            var number = HeldOutNumber - first;
            using var generator = Numbers(number);
            yield return Noise(generator, [.. Enumerable.Range(first, Math.Min(settings.Batch, count - first)).Select(i =>
                (entries[i % entries.Count], i / entries.Count, (long)((i + 0.5) / count * schedule.Count)))]);
        }
    }

    public void Dispose() => entries.ForEach(entry => entry.Latents.Dispose());

    // Stratified timesteps (Kingma et al., arXiv 2107.00630, §3): each row of a batch draws from its own part of the schedule. Same mean,
    // less variance.
    private TextualInversionBatch Draw(long number, int rows)
    {
        using var generator = Numbers(number);
        using var numbers = rand([2], dtype: ScalarType.Float64, device: CPU, generator: generator);
        var (offset, turn) = (numbers[0].ReadDouble(), numbers[1].ReadDouble());
        return Noise(generator, [.. Enumerable.Range(0, rows).Select(row =>
        {
            var place = (number * rows) + row;
            return (
                entries[Turn(place)],
                (int)(turn * int.MaxValue) + row,
                Math.Min(schedule.Count - 1, (long)((row + offset) / rows * schedule.Count)));
        })]);
    }

    // Every image once per round, in a separate random order for each round.
    private int Turn(long place)
    {
        using var generator = Numbers(long.MaxValue - (place / entries.Count));
        using var order = randperm(entries.Count, device: CPU, generator: generator);
        return (int)order[place % entries.Count].ReadInt64();
    }

    private TextualInversionBatch Noise(Generator generator, IReadOnlyList<(Entry Entry, int Prompt, long Timestep)> rows)
    {
        using var scope = NewDisposeScope();
        var latents = cat([.. rows.Select(row => row.Entry.Latents)], 0);
        var noise = randn(latents.shape, device: CPU, generator: generator).to(model.Device);
        var levels = rows.Select(row => schedule.Level(row.Timestep)).ToList();
        return new TextualInversionBatch(
            [.. rows.Select(row => row.Entry.Prompts[row.Prompt % row.Entry.Prompts.Count])],
            [.. rows.Select(row => row.Entry.Sizes)],
            PerRow((level, sample, rowNoise) => level.AddNoise(sample, rowNoise)),
            PerRow((level, sample, rowNoise) => level.Target(model.SchedulerConfig.PredictionType, sample, rowNoise)),
            tensor(rows.Select(row => row.Timestep).ToArray(), device: model.Device)).MoveToOuterDisposeScope();

        Tensor PerRow(Func<NoiseLevel, Tensor, Tensor, Tensor> make) =>
            cat([.. levels.Select((level, i) => make(level, latents.narrow(0, i, 1), noise.narrow(0, i, 1)))], 0);
    }

    private Generator Numbers(long number) => new(HashCode(settings.Seed, number), CPU);

    private static ulong HashCode(ulong seed, long number)
    {
        // System.HashCode is not used because it differs between processes.
        var hash = unchecked(seed + ((ulong)number * 0x9E3779B97F4A7C15UL));
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
        return (hash ^ (hash >> 31)) >> 1;
    }

    private sealed record Entry(Tensor Latents, IReadOnlyList<TokenizedPrompt> Prompts, SizeConditioning Sizes);
}
