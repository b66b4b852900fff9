using System.CommandLine;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Concepts;

namespace PromptToPrompt.Cli.Options;

/// <summary>How a word is learned from pictures.</summary>
internal sealed class ConceptOptions
{
    private const string Object = "object";
    private const string Style = "style";
    private static readonly ConceptSettings Standard = new() { Word = "", Initial = "" };

    private readonly Option<string> word = new("--word")
    {
        Description = "The new word as prompts will write it; choose one the model does not have, such as \"<my-cat>\"",
        HelpName = "word",
        Required = true,
    };

    private readonly Option<string> initial = new("--init")
    {
        Description = "A word of the model that the new one begins as: the kind of thing the pictures show",
        HelpName = "word",
        Required = true,
    };

    private readonly Option<int> vectors = Parsed.Number("--vectors", "Vectors of the word; more hold more, and bend less to the rest of a prompt", Standard.Vectors);
    private readonly Option<int> steps = Parsed.Number("--steps", "Steps of the optimiser", Standard.Steps);
    private readonly Option<double?> learningRate = Parsed.OptionalNumber<double>("--learning-rate", "How far a step moves the vectors' numbers; a twentieth of their size by default");
    private readonly Option<int> batch = Parsed.Number("--batch", "Noised pictures of a step that go through the network together", Standard.Batch);
    private readonly Option<int> accumulate = Parsed.Number("--accumulate", "How many batches make a step", Standard.Accumulation);
    private readonly Option<ulong> seed = Parsed.Seed("--seed", "Seed of noise, noise levels and order", Standard.Seed);
    private readonly Option<bool> flip = new("--flip") { Description = "Learn from the pictures mirrored, too; not for things that have a left and a right" };

    private readonly Option<string> templates = new("--templates")
    {
        Description = $"What pictures without a caption are described by: {Object}, {Style}, or a file with a sentence a line and {PromptTemplates.Place} where the word stands",
        HelpName = $"{Object}|{Style}|file",
        DefaultValueFactory = _ => Object,
    };

    private readonly Option<string?> captions = new("--caption")
    {
        Description = $"File with the pictures' own captions, a line each: cat.png: a {PromptTemplates.Place} in a field",
        HelpName = "file",
    };

    private readonly Option<bool?> saveMemory = new("--save-memory")
    {
        Description = "Compute activations again instead of keeping them; by default where they are large",
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    // Pictures of one shape go through the network together.
    private readonly FrameOption frame = new("crop", "pad");

    public ConceptOptions AddTo(Command command)
    {
        foreach (var option in new Option[] { word, initial, vectors, steps, learningRate, batch, accumulate, seed, templates, captions, flip, saveMemory, frame.Option })
            command.Add(option);
        return this;
    }

    /// <summary>What the options say of the training.</summary>
    public ConceptSettings Settings(ParseResult parse, int clipSkip) => new()
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
    public IReadOnlyList<string?> Captions(ParseResult parse, IReadOnlyList<string> pictures) => parse.GetValue(captions) is { } path
        ? Parsed.Named(captions.Name, () => PictureCaptions.Read(path).Of(pictures))
        : [.. pictures.Select(_ => (string?)null)];

    /// <summary>How a picture is brought to the size that the model works at.</summary>
    public Framing Framing(ParseResult parse, StableDiffusionModel model, PixelSize picture, PixelSize? size) =>
        model.Frame(frame.Read(parse), picture, size);
}
