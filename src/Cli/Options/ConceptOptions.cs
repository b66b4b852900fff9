using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options of textual inversion.</summary>
internal sealed class ConceptOptions
{
    private const string Object = "object";
    private const string Style = "style";
    private static readonly TextualInversionSettings Standard = new() { Word = "", Initial = "" };

    private readonly Option<string> word = new("--word")
    {
        Description = "New word for prompts; choose one the model does not know, such as \"<my-cat>\"",
        HelpName = "word",
        Required = true,
    };

    private readonly Option<string> initial = new("--init")
    {
        Description = "Existing word to start from: the kind of thing the images show",
        HelpName = "word",
        Required = true,
    };

    private readonly Option<int> vectors = Parsed.Number("--vectors", "Embedding vectors for the word; more capture more detail but follow the rest of the prompt less", Standard.Vectors);
    private readonly Option<int> steps = Parsed.Number("--steps", "Optimizer steps", Standard.Steps);
    private readonly Option<double?> learningRate = Parsed.OptionalNumber<double>("--learning-rate", "Learning rate; by default a twentieth of the vectors' size");
    private readonly Option<int> batch = Parsed.Number("--batch", "Batch size", Standard.Batch);
    private readonly Option<int> accumulate = Parsed.Number("--accumulate", "Batches per step (gradient accumulation)", Standard.Accumulation);
    private readonly Option<ulong> seed = Parsed.Seed("--seed", "Seed of the noise, the noise levels and the order of images", Standard.Seed);
    private readonly Option<bool> flip = new("--flip") { Description = "Also learn from the mirrored images; not for subjects with a left and a right" };

    private readonly Option<string> templates = new("--templates")
    {
        Description = $"Prompts for images without a caption: {Object}, {Style}, or a file with one prompt per line and {PromptTemplates.Place} in place of the word",
        HelpName = $"{Object}|{Style}|file",
        DefaultValueFactory = _ => Object,
    };

    private readonly Option<string?> captions = new("--caption")
    {
        Description = $"File with one caption per line, such as cat.png: a {PromptTemplates.Place} in a field",
        HelpName = "file",
    };

    private readonly Option<bool?> saveMemory = new("--save-memory")
    {
        Description = "Recompute activations instead of keeping them; automatic by default",
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    // A batch needs pictures of one shape.
    private readonly FrameOption frame = new(HelpGroup.Options, "crop", "pad");

    public ConceptOptions AddTo(Command command)
    {
        foreach (var option in new Option[] { word, initial, vectors, steps, learningRate, batch, accumulate, seed, templates, captions, flip, saveMemory, frame.Option })
            command.Add(option);
        return this;
    }

    /// <summary>The training settings.</summary>
    public TextualInversionSettings Settings(ParseResult parse, int clipSkip) => new()
    {
        Word = parse.GetValue(word)!,
        Initial = parse.GetValue(initial)!,
        Vectors = parse.GetValue(vectors),
        Steps = parse.GetValue(steps),
        LearningRate = parse.GetValue(learningRate),
        Batch = parse.GetValue(batch),
        Accumulation = parse.GetValue(accumulate),
        Seed = parse.GetValue(seed),
        Flip = parse.GetValue(flip),
        ClipSkip = clipSkip,
        SaveMemory = parse.GetValue(saveMemory),
        Templates = parse.GetValue(templates) switch
        {
            Object => PromptTemplates.Object,
            Style => PromptTemplates.Style,
            var path => Parsed.Named(templates.Name, () => PromptTemplates.Read(path!)),
        },
    };

    /// <summary>The captions of pictures, null for those without one.</summary>
    public IReadOnlyList<string?> Captions(ParseResult parse, IReadOnlyList<string> images) => parse.GetValue(captions) is { } path
        ? Parsed.Named(captions.Name, () => ImageCaptions.Read(path).Of(images))
        : [.. images.Select(_ => (string?)null)];

    /// <summary>Frames a picture to the model's size.</summary>
    public Framing Framing(ParseResult parse, StableDiffusionModel model, PixelSize image, PixelSize? size) =>
        model.Frame(frame.Read(parse), image, size);
}
