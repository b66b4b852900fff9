using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>Progress of a training run.</summary>
/// <param name="Step">Number of completed steps.</param>
/// <param name="Steps">Total number of steps.</param>
/// <param name="Loss">Loss of the last step, before its update.</param>
internal readonly record struct ConceptProgress(int Step, int Steps, double Loss);

/// <summary>
/// Textual inversion (Gal et al. 2022, arXiv 2208.01618): finds the vectors of a new word so that the unchanged model predicts the noise in
/// a few images described by the word.
/// </summary>
internal sealed class TextualInversionTraining : IDisposable
{
    private const int HeldOutExamples = 16;
    private readonly StableDiffusionModel model;
    private readonly TextualInversionSettings settings;
    private readonly PlaceholderWord word;
    private readonly TextualInversionExamples examples;
    private readonly TextualInversionLoss loss;
    private TextualInversionState state;
    private readonly IReadOnlyList<double> rates;

    // Hash of model, settings (except the number of steps) and images; identifies the state of an interrupted run.
    private readonly string key;

    /// <summary>Encodes the images and starts from the initial word's vectors.</summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="settings">The training settings.</param>
    /// <param name="images">Images of one size.</param>
    /// <exception cref="InvalidInputException">The settings or images do not fit the model or each other.</exception>
    public TextualInversionTraining(StableDiffusionModel model, TextualInversionSettings settings, IReadOnlyList<ExampleImage> images)
    {
        settings.Validate();
        TextToImageModel.Require(model, "learn from images");
        InvalidInputException.Require(
            !model.OnePartAtATime,
            "LowMemory",
            "Training alternates between text encoder and U-Net and needs both in memory.",
            "Leave it out; recompute activations, use bfloat16 or use a smaller batch.");
        this.model = model;
        this.settings = settings;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        word = new PlaceholderWord(model, settings);
        key = TextualInversionState.KeyOf(model, settings, images);
        var initial = word.InitialVectors();
        rates = [.. initial.Select(rows => settings.LearningRate ?? rows.Squared().mean().sqrt().ReadDouble() / 20)];
        state = TextualInversionState.Begin(initial);
        loss = new TextualInversionLoss(model, settings.ClipSkip, settings.SaveMemory);
        examples = new TextualInversionExamples(model, word, settings, images);
    }

    /// <summary>Number of completed steps.</summary>
    public int Step => state.Step;

    /// <summary>The word with its current vectors, which belong to the training and are disposed with it.</summary>
    public WordVectors Word => new(settings.Word, state.Vectors);

    /// <summary>The model's tokenizer, extended by the word.</summary>
    public ClipTokenizer Tokenizer => word.Tokenizer;

    /// <summary>Resumes from the saved state of an interrupted run.</summary>
    /// <param name="path">Path of the saved state.</param>
    /// <returns>Whether the state belongs to this training; if not, nothing changes.</returns>
    public bool Resume(string path)
    {
        if (TextualInversionState.Load(path, key, model.Device) is not { } found)
            return false;
        state.Dispose();
        state = found;
        return true;
    }

    /// <summary>Trains step by step. A synchronous iterator: between steps the caller may save, draw samples, or stop.</summary>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="InvalidInputException">The loss became NaN or infinite.</exception>
    public IEnumerable<ConceptProgress> Run(CancellationToken cancellationToken = default)
    {
        while (state.Step < settings.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var value = TakeStep();
            yield return new ConceptProgress(state.Step, settings.Steps, value);
        }
    }

    /// <summary>The loss on fixed held-out examples: measures progress without the noise of each step's loss.</summary>
    /// <exception cref="InvalidInputException">The loss became NaN or infinite: the last step broke the word.</exception>
    public double HeldOutLoss()
    {
        var value = HeldOutLoss(state.Vectors);
        return double.IsFinite(value) ? value : throw Broken();
    }

    /// <summary>The held-out loss of the initial word.</summary>
    public double InitialHeldOutLoss()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return HeldOutLoss(word.InitialVectors());
    }

    /// <summary>The conditioning of a prompt with the word, one row.</summary>
    /// <param name="prompt">The prompt, with emphasis as in <see cref="PromptReading"/>; it need not contain the word.</param>
    /// <param name="size">Size of the image.</param>
    public Conditioning Encode(string prompt, PixelSize size)
    {
        using var _ = no_grad();
        return TextConditioning.EncodeWith(model, [PromptReading.Read(Tokenizer, prompt)], state.Vectors, [SizeConditioning.Of(size)], settings.ClipSkip);
    }

    /// <summary>Generates an image with the current vectors.</summary>
    /// <param name="prompt">The prompt; it need not contain the word.</param>
    /// <param name="seed">Seed of the noise.</param>
    /// <param name="size">Size of the image.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public Image Draw(string prompt, ulong seed, PixelSize size, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        var nothing = TextConditioning.EncodeNegative(model, model.Tokenizer.Tokenize(""), SizeConditioning.Of(size), settings.ClipSkip);
        return SampleImages.Draw(model, InitialNoise.FromSeed(model, seed, size.Height, size.Width), Encode(prompt, size), nothing, cancellationToken)[0];
    }

    /// <summary>Writes the state needed to resume, atomically.</summary>
    public void Save(string path) => state.Save(path, key);

    /// <inheritdoc/>
    public void Dispose()
    {
        examples.Dispose();
        state.Dispose();
    }

    private double TakeStep()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var sum = 0.0;
        var gradients = state.Vectors.Select(rows => zeros_like(rows)).ToList();
        foreach (var batch in examples.Step(state.Step))
        {
            using var owned = batch;
            var (value, found) = loss.Differentiate(state.Vectors, batch);
            sum += value;
            foreach (var (total, gradient) in gradients.Zip(found))
                total.add_(gradient, alpha: Scalar(1.0 / settings.Accumulation));
        }

        var mean = sum / settings.Accumulation;
        if (!double.IsFinite(mean) || !gradients.All(gradient => gradient.isfinite().all().ReadBoolean()))
            throw Broken();
        state.Update(gradients, rates, settings.WeightDecay);
        return mean;
    }

    private InvalidInputException Broken() =>
        new($"The loss became NaN or infinite at step {state.Step}. Use float32 or a lower learning rate; if it persists, the model file may be corrupt.");

    private double HeldOutLoss(IReadOnlyList<Tensor> vectors)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return examples.HeldOut(HeldOutExamples).Sum(batch => loss.Of(vectors, batch) * batch.Prompts.Count) / HeldOutExamples;
    }
}
