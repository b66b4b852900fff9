using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Engine;
using TorchSharp;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options for the model, the device and the data type.</summary>
internal sealed class ModelOptions
{
    // A new picture and a further edit run two rows; uploaded pictures may need null-text inversion.
    private static readonly MemoryDemand StudioDemand = new(Rows: 2, LearningRows: 1);

    private readonly Option<string> model = new("--model")
    {
        Description = "Model: diffusers directory, single-file checkpoint (.safetensors, .ckpt), OWNER/NAME of a pulled model, or the name of a folder in models/",
        Group = HelpGroup.Model,
        HelpName = "dir|file|name",
        DefaultValueFactory = _ => "storybook",
    };

    private readonly Option<string> device = Parsed.Of("--device", "Device: auto, cpu, cuda or cuda:N", "auto, cpu, cuda or cuda:N", ReadDevice, suggest: NearestDevice).In(HelpGroup.Model);
    private readonly CheckpointOptions checkpoint = new();
    private readonly Option<string> dtype = Parsed.Choice("--dtype", "Type of the weights, and of the computation if the device has arithmetic in it, otherwise float32", "float32", "float32", "bfloat16", "float16").In(HelpGroup.Model);
    private readonly MemoryOptions memory = new();

    public ModelOptions() => device.DefaultValueFactory = _ => ComputeDevice.Auto;

    /// <summary>Adds <c>--model</c> and related options, <c>--device</c> and <c>--dtype</c>.</summary>
    public ModelOptions AddTo(Command command)
    {
        AddWithoutTypeTo(command);
        command.Add(dtype);
        return this;
    }

    /// <summary>Adds all options except <c>--dtype</c>, for commands that compute in several types.</summary>
    public ModelOptions AddWithoutTypeTo(Command command)
    {
        command.Add(model);
        checkpoint.AddTo(command).AddLorasTo(command).AddEmbeddingsTo(command);
        command.Add(device);
        memory.AddTo(command);
        return this;
    }

    /// <summary>Adds <c>--model</c> and the options that affect its tokenizer (LoRAs may bundle words), for commands that compute nothing.</summary>
    public ModelOptions AddNameTo(Command command)
    {
        command.Add(model);
        checkpoint.AddTokenizerTo(command).AddLorasTo(command).AddEmbeddingsTo(command);
        return this;
    }

    /// <summary>Files and folders besides the model that affect its output.</summary>
    public IEnumerable<RunInput> Inputs(ParseResult parse) => checkpoint.Inputs(parse);

    /// <summary>The name by which the user gave the model, else the name of its file or folder.</summary>
    public string Name(ParseResult parse)
    {
        var given = parse.GetValue(model)!;
        return File.Exists(given) ? Path.GetFileNameWithoutExtension(given)
            : System.IO.Directory.Exists(given) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(given))) : given;
    }

    /// <summary>Full path of the model.</summary>
    /// <exception cref="InvalidInputException">There is no such model.</exception>
    public string Directory(ParseResult parse) => Locate(parse.GetValue(model)!, model.Name);

    /// <summary>The path of a model. For a repository that is not in the cache, the error gives the command that downloads it.</summary>
    /// <param name="name">Path or name.</param>
    /// <param name="option">The option it was given by.</param>
    /// <exception cref="InvalidInputException">There is no such model.</exception>
    public static string Locate(string name, string option)
    {
        try
        {
            return ModelLocation.Find(name, option);
        }
        catch (InvalidInputException e) when (name.Split(ModelLocation.RevisionMark, 2) is var parts && HubRepository.TryParse(parts[0], out var repository))
        {
            var revision = parts.Length > 1 ? $" --revision {parts[1]}" : "";
            throw new InvalidInputException(option, e.Problem, $"Download it with `p2p models pull {repository}{revision}`.", e);
        }
    }

    /// <summary>The model's tokenizer, which needs no libtorch.</summary>
    public ClipTokenizer LoadTokenizer(ParseResult parse) => StableDiffusionModel.LoadTokenizer(Directory(parse), checkpoint.Read(parse));

    /// <summary>The model's config, which needs no libtorch.</summary>
    public ModelConfig LoadConfig(ParseResult parse) => StableDiffusionModel.LoadConfig(Directory(parse), checkpoint.Read(parse));

    /// <summary>Loads libtorch and the model.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="demand">What the run needs, to refuse a run that does not fit in memory before the model is loaded. Null if unknown.</param>
    /// <param name="rowByRow">See <see cref="MemoryOptions.Choose"/>.</param>
    public StableDiffusionModel Load(ParseResult parse, MemoryDemand? demand = null, string? rowByRow = null)
    {
        var loaded = Load(parse, Directory(parse), checkpoint.Read(parse), demand, rowByRow);
        Warnings.Note(loaded.Notes);
        return loaded;
    }

    private StableDiffusionModel Load(ParseResult parse, string directory, ModelLoadOptions files, MemoryDemand? demand, string? rowByRow = null)
    {
        var (target, type) = (Device(parse), Dtype(parse));
        var loaded = StableDiffusionModel.Load(directory, target, type, memory.Choose(parse, directory, files, type, target, demand, rowByRow));
        Warnings.Numerics(loaded.Numerics);
        return loaded;
    }

    /// <summary>Loads the model on a given device or in a given type instead of the options'.</summary>
    public StableDiffusionModel LoadOn(ParseResult parse, torch.Device target, torch.ScalarType type)
    {
        var directory = Directory(parse);
        return StableDiffusionModel.Load(directory, target, type, memory.Choose(parse, directory, checkpoint.Read(parse), type, target, null));
    }

    /// <summary>Whether the user chose the device explicitly.</summary>
    public bool IsNamed(ParseResult parse) => parse.GetValue(device) != ComputeDevice.Auto;

    private torch.ScalarType Dtype(ParseResult parse) => parse.GetValue(dtype) switch
    {
        "bfloat16" => torch.ScalarType.BFloat16,
        "float16" => torch.ScalarType.Float16,
        _ => torch.ScalarType.Float32,
    };

    /// <summary>The model as the studio offers it: located now, loaded on demand.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="quiet">Whether not to print the device.</param>
    /// <param name="other">Another model than <c>--model</c>, for the same device and type.</param>
    public OfferedModel Offer(ParseResult parse, bool quiet, FetchedModel? other = null)
    {
        var directory = other?.Directory ?? Directory(parse);
        // Options that describe one model's files do not apply to another.
        var files = other is null ? checkpoint.Read(parse) : new ModelLoadOptions { Variant = other.Variant };
        Option[] deciding = [.. other is null ? checkpoint.All : [], dtype, memory.Tiling];
        return new OfferedModel(other?.Name ?? parse.GetValue(model)!, () => LoadWith(files.Loras, []))
        {
            Files = [directory, .. new[] { files.Tokenizer, files.Vae }.OfType<string>(), .. files.Loras.Select(lora => lora.Path), .. files.Embeddings.Select(embedding => embedding.Path)],
            Loras = files.Loras,
            Embeddings = files.Embeddings,
            LoadWith = LoadWith,
            LoadTokenizer = (loras, words) => StableDiffusionModel.LoadTokenizer(directory, FilesWith(loras, words)),
            RequireFits = RequireFits,
            Arguments = [.. deciding.SelectMany(option => AsGiven(parse, option)), .. checkpoint.VariantOf(other?.Variant)],
            Words = ModelWords.Find(directory),
        };

        void RequireFits(Lora lora)
        {
            // Opening a LoRA compares it with the model's weights; only headers are read.
            using var opened = ModelFiles.Open(directory, files with { Loras = [lora] });
            _ = opened.Notes;
        }

        StableDiffusionModel LoadWith(IReadOnlyList<Lora> loras, IReadOnlyList<TextEmbedding> words)
        {
            var loaded = Load(parse, directory, FilesWith(loras, words), StudioDemand);
            Announce(parse, loaded.Device, quiet);
            return loaded;
        }

        ModelLoadOptions FilesWith(IReadOnlyList<Lora> loras, IReadOnlyList<TextEmbedding> words) => files with { Loras = loras, Embeddings = [.. files.Embeddings, .. words] };
    }

    // "gpu" is nearer to "cpu".
    private static string? NearestDevice(string text) => text.StartsWith("gpu", StringComparison.OrdinalIgnoreCase) ? "cuda" : Suggestion.For(text, ["auto", "cpu", "cuda"]);

    private static IEnumerable<string> AsGiven(ParseResult parse, Option option)
    {
        if (parse.GetResult(option) is not { Implicit: false } given)
            return [];
        return given.Tokens.Count == 0 ? [option.Name] : given.Tokens.SelectMany(token => new[] { option.Name, token.Value });
    }

    /// <summary>Prints which device is used, if it was chosen automatically.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="running">The device.</param>
    /// <param name="quiet">Whether to print nothing.</param>
    public void Announce(ParseResult parse, torch.Device running, bool quiet)
    {
        if (!quiet && !IsNamed(parse))
            Console.Error.WriteLine($"device: {ComputeDevice.Describe(running)}");
    }

    /// <summary>The device that the options ask for. Loads libtorch.</summary>
    /// <exception cref="InvalidInputException">There is no such device.</exception>
    public torch.Device Device(ParseResult parse) => ComputeDevice.Named(parse.GetValue(device)!);

    /// <summary>Reads the name of a device.</summary>
    /// <exception cref="FormatException">There is no such name.</exception>
    public static string ReadDevice(string text) => ComputeDevice.IsName(text.ToLowerInvariant()) ? text.ToLowerInvariant() : throw new FormatException();
}
