using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Metrics;
using TorchSharp;

namespace PromptToPrompt.Cli.Options;

/// <summary>The options of models that measure how two images differ.</summary>
/// <param name="tokenizerName">The option that names CLIP's tokenizer.</param>
internal sealed class MetricModels(string tokenizerName = "--tokenizer")
{
    private readonly Option<string?> clip = File("--clip", "CLIP model, such as openai/clip-vit-large-patch14, for similarities of images and captions", "dir|file|name");
    private readonly Option<string?> dino = File("--dino", "DINO model, such as facebook/dino-vitb8, for the structure distance", "dir|file|name");
    private readonly Option<string?> tokenizer = File(tokenizerName, "Tokenizer of the CLIP model, if its folder has none", "dir");

    /// <summary>The option of LPIPS.</summary>
    public static Option<string?> CreateLpips() => File("--lpips", "SqueezeNet 1.1 and the linear heads of LPIPS", "backbone,heads");

    /// <summary>Loads LPIPS from the value of its option.</summary>
    public static Lpips OpenLpips(string files) => files.Split(',') is [var backbone, var heads] && backbone.Length > 0 && heads.Length > 0
        ? Parsed.Named("--lpips", () => new Lpips(backbone, heads))
        : throw new InvalidInputException("--lpips", $"\"{files}\" is not valid.", "Give two files, BACKBONE,HEADS: squeezenet1_1-b8a52dc0.pth of torchvision and squeeze.pth of LPIPS.");

    public MetricModels AddTo(Command command)
    {
        foreach (var option in new[] { clip, dino, tokenizer })
            command.Add(option);
        return this;
    }

    /// <summary>The heading in help.</summary>
    public MetricModels In(HelpGroup group)
    {
        foreach (var option in new[] { clip, dino, tokenizer })
            option.Group = group;
        return this;
    }

    /// <summary>The CLIP model as it was given; null without one.</summary>
    public string? Clip(ParseResult parse) => parse.GetValue(clip);

    /// <summary>The DINO model as it was given; null without one.</summary>
    public string? Dino(ParseResult parse) => parse.GetValue(dino);

    /// <summary>The folder of CLIP's tokenizer as it was given; null for the model's own.</summary>
    public string? Tokenizer(ParseResult parse) => parse.GetValue(tokenizer);

    /// <summary>Loads the CLIP model, if one was given.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="withTexts">Whether captions are compared too.</param>
    /// <param name="device">The device; null for the CPU.</param>
    public ClipModel? OpenClip(ParseResult parse, bool withTexts, torch.Device? device = null)
    {
        if (Clip(parse) is not { } name)
            return null;
        var path = Locate(clip.Name, name);
        InvalidInputException.Require(Path.Exists(path), clip.Name, $"{path} does not exist.", "Give the model's folder or its weights.");
        try
        {
            return new ClipModel(path, withTexts ? FindTokenizer(path, parse.GetValue(tokenizer)).Load() : null, device);
        }
        catch (InvalidInputException e) when (e.Setting == nameof(ModelLoadOptions.Tokenizer))
        {
            throw new InvalidInputException(tokenizer.Name, e.Problem, e.Advice, e);
        }
    }

    /// <summary>Loads the DINO model, if one was given.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="device">The device; null for the CPU.</param>
    public DinoModel? OpenDino(ParseResult parse, torch.Device? device = null) => Dino(parse) is { } name ? new DinoModel(Locate(dino.Name, name), device) : null;

    // The hub's CLIP models have the tokenizer beside the weights.
    private static TokenizerFolder FindTokenizer(string path, string? given)
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        return TokenizerSearch.Find(Path.Combine(folder, "model.safetensors"), new ModelLoadOptions { Tokenizer = given ?? (TokenizerFolder.IsOne(folder) ? folder : null) });
    }

    // A folder, a file, or a repository in the hub's cache.
    private static string Locate(string option, string name)
    {
        if (Path.Exists(name) || !HubRepository.TryParse(name, out var repository))
            return name;
        var cached = new HubCache(new HubSettings().CacheFolder).Repository(repository);
        return cached.Find(null)?.Path ?? throw new InvalidInputException(
            option, $"The Hugging Face cache ({cached.Folder}) has no {repository}.", $"Download it with `p2p models pull {repository} --file config.json --file model.safetensors{(option == "--clip" ? " --file vocab.json --file merges.txt --file tokenizer_config.json" : "")}`.");
    }

    private static Option<string?> File(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };
}
