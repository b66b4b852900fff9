using System.CommandLine;
using System.Globalization;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Options;

/// <summary>Sampling options.</summary>
internal sealed class SamplingOptions
{
    private const int MaxSide = 1 << 16;
    private const string ModelsOwn = "auto";

    private static readonly (string Name, TimestepSpacing Spacing)[] Spacings =
        [("leading", TimestepSpacing.Leading), ("trailing", TimestepSpacing.Trailing), ("linspace", TimestepSpacing.Linspace)];

    private readonly Option<int> steps = Parsed.Number("--steps", "Denoising steps", SamplingSettings.DefaultSteps).In(HelpGroup.Sampling);
    private readonly Option<double> guidance = Parsed.Number("--guidance", $"Classifier-free guidance scale, 0 to {SamplingSettings.MaxGuidance}; 1 turns it off", SamplingSettings.DefaultGuidance).In(HelpGroup.Sampling);
    private readonly Option<ulong> seed = Parsed.Seed("--seed", "Seed of the initial noise", 0).In(HelpGroup.Sampling);
    private readonly Option<int?> stepsOffset = Parsed.OptionalNumber<int>("--steps-offset", "Offset of the timesteps; by default the model's own").In(HelpGroup.Sampling);

    private readonly LongPromptsOption longPrompts = new();
    private readonly Option<int> clipSkip = Parsed.Number("--clip-skip", "Final text-encoder layers to skip; clip skip 2 of other programs is 1 here", 0).In(HelpGroup.Sampling);

    private readonly Option<string?> scheduler = new("--scheduler")
    {
        Description = $"Scheduler: {string.Join(", ", Schedulers.All)}. By default the model's own if supported, else ddim",
        Group = HelpGroup.Sampling,
        HelpName = "name",
    };

    private readonly Option<double> guidanceRescale = Parsed.Number(
        "--guidance-rescale", "Guidance rescale, 0 to 1; 0.7 for models trained with zero terminal SNR", 0.0).In(HelpGroup.Sampling);

    private readonly Option<string> spacing = Parsed.Choice(
        "--spacing", "Timestep spacing", ModelsOwn, [ModelsOwn, .. Spacings.Select(known => known.Name)]).In(HelpGroup.Sampling);

    private readonly Option<string> negative = new("--negative")
    {
        Description = "Negative prompt",
        Group = HelpGroup.Sampling,
        HelpName = "text",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<(int Width, int Height)?> size = CreateSize();

    private readonly Option<(int Width, int Height)?> originalSize = Parsed.Of<(int, int)?>(
        "--original-size", "SDXL: original size (micro-conditioning); by default the image size", "WIDTHxHEIGHT such as 1024x1024", ReadSize, "WxH").In(HelpGroup.Sampling);

    private readonly Option<int[]?> crop = Parsed.Of<int[]?>(
        "--crop", "SDXL: top-left crop corner (micro-conditioning); by default 0,0", "LEFT,TOP such as 0,0", ReadPoint, "left,top").In(HelpGroup.Sampling);

    private readonly Option<(int Width, int Height)?> targetSize = Parsed.Of<(int, int)?>(
        "--target-size", "SDXL: target size (micro-conditioning); by default the image size", "WIDTHxHEIGHT such as 1024x1024", ReadSize, "WxH").In(HelpGroup.Sampling);

    private readonly Option<string?> initialLatents = new("--init-latents")
    {
        Description = "Initial noise from the tensor \"latents\" of a safetensors file instead of the seed",
        Group = HelpGroup.Sampling,
        HelpName = "file",
    };

    /// <summary><c>--size</c> alone.</summary>
    public static Option<(int Width, int Height)?> CreateSize() =>
        Parsed.Of<(int, int)?>("--size", "Image size in pixels; by default the model's own", "WIDTHxHEIGHT such as 512x512", ReadSize, "WxH").In(HelpGroup.Sampling);

    public SamplingOptions AddTo(Command command)
    {
        Option[] all = [steps, guidance, guidanceRescale, seed, scheduler, spacing, stepsOffset, negative, longPrompts, clipSkip, size, originalSize, crop, targetSize, initialLatents];
        foreach (var option in all)
            command.Add(option);
        return this;
    }

    /// <summary>Adds the options that affect an inversion.</summary>
    public void AddInversionTo(Command command)
    {
        foreach (var option in new Option[] { steps, guidance, seed, spacing, stepsOffset, longPrompts, clipSkip, size })
            command.Add(option);
    }

    /// <summary>Adds the options that affect textual inversion.</summary>
    public void AddLearningTo(Command command)
    {
        command.Add(clipSkip);
        command.Add(size);
    }

    /// <summary>Number of final text-encoder layers to skip.</summary>
    public int ClipSkip(ParseResult parse) => parse.GetValue(clipSkip);

    /// <summary>Options that a saved inversion already decides.</summary>
    public IEnumerable<Option> DecidedByInversion => [seed, spacing, stepsOffset, longPrompts, clipSkip, size];

    /// <summary>Number of chunks for some prompts.</summary>
    public int Chunks(ParseResult parse, ClipTokenizer tokenizer, params string[] prompts) => longPrompts.Chunks(parse, tokenizer, prompts);

    /// <summary>Image size; null for the model's own.</summary>
    public PixelSize? Size(ParseResult parse) => SizeOf(parse.GetValue(size));

    /// <summary>An inverted picture as a source. Settings that are not given are those of the inversion.</summary>
    public GenerationRequest Follow(ParseResult parse, GenerationRequest source, InvertedImage inverted)
    {
        var (given, followed) = (source.Sampling, GenerationRequest.Of(inverted));
        return source with
        {
            Inverted = inverted,
            Prompt = followed.Prompt,
            Sampling = given with
            {
                Steps = parse.IsGiven(steps) ? given.Steps : followed.Sampling.Steps,
                Guidance = parse.IsGiven(guidance) ? given.Guidance : followed.Sampling.Guidance,
                GuidanceRescale = parse.IsGiven(guidanceRescale) ? given.GuidanceRescale : followed.Sampling.GuidanceRescale,
                Scheduler = given.Scheduler ?? followed.Sampling.Scheduler,
                TimestepSpacing = given.TimestepSpacing ?? followed.Sampling.TimestepSpacing,
                StepsOffset = followed.Sampling.StepsOffset,
                Chunks = followed.Sampling.Chunks,
                ClipSkip = followed.Sampling.ClipSkip,
            },
        };
    }

    /// <summary>The sampling settings. Missing options have their defaults; the number of chunks needs the model and is set later.</summary>
    /// <exception cref="InvalidInputException">A number is out of range.</exception>
    public SamplingSettings Settings(ParseResult parse)
    {
        var settings = Read(parse);
        // Before a model is loaded.
        settings.Validate();
        return settings;
    }

    private SamplingSettings Read(ParseResult parse) => new()
    {
        Steps = parse.GetValue(steps),
        Guidance = parse.GetValue(guidance),
        GuidanceRescale = parse.GetValue(guidanceRescale),
        TimestepSpacing = parse.GetValue(spacing) is { } wanted && wanted != ModelsOwn ? Array.Find(Spacings, known => known.Name == wanted).Spacing : null,
        Seed = parse.GetValue(seed),
        StepsOffset = parse.GetValue(stepsOffset),
        Scheduler = parse.GetValue(scheduler) is { } name ? Parsed.Named("--scheduler", () => Schedulers.Parse(name)) : null,
        Negative = parse.GetValue(negative) ?? "",
        ClipSkip = parse.GetValue(clipSkip),
        Size = SizeOf(parse.GetValue(size)),
        OriginalSize = SizeOf(parse.GetValue(originalSize)),
        TargetSize = SizeOf(parse.GetValue(targetSize)),
        Crop = parse.GetValue(crop) is [var left, var top] ? (left, top) : default,
    };

    /// <summary>The file of the initial noise, if given.</summary>
    public IEnumerable<RunInput> Inputs(ParseResult parse) => RunInput.Given(parse, initialLatents);

    /// <summary>The given initial noise, or null. Reading it needs libtorch, so it comes after the model.</summary>
    public Tensor? ReadInitialLatents(ParseResult parse)
    {
        if (parse.GetValue(initialLatents) is not { } path)
            return null;
        return Parsed.Named("--init-latents", () =>
        {
            using var file = SafetensorsFile.Open(path);
            return file.Read("latents");
        });
    }

    private static PixelSize? SizeOf((int Width, int Height)? given) => given is { } size ? new PixelSize(size.Width, size.Height) : null;

    private static (int, int)? ReadSize(string text) => ReadPair(text, 'x') is ( > 0 and <= MaxSide, > 0 and <= MaxSide) size ? size : throw new FormatException();

    private static int[] ReadPoint(string text)
    {
        var (left, top) = ReadPair(text, ',');
        return [left, top];
    }

    private static (int, int) ReadPair(string text, char between)
    {
        var numbers = text.ToLowerInvariant().Split(between);
        return numbers.Length == 2
            && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out var second)
            ? (first, second)
            : throw new FormatException();
    }
}
