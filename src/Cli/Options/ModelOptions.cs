using System.CommandLine;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Studio.Engine;
using TorchSharp;

namespace PromptToPrompt.Cli.Options;

/// <summary>Which model runs, and where.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string> model = new("--model")
    {
        Description = "Model directory in the diffusers layout, checkpoint in one file (.safetensors, .ckpt), OWNER/NAME of a pulled model, or the name of a folder in models/",
        HelpName = "dir|file|name",
        DefaultValueFactory = _ => "storybook",
    };

    private readonly Option<string> device = Parsed.Of("--device", "auto, cpu, cuda or cuda:N", "auto, cpu, cuda or cuda:N", ReadDevice);
    // A new picture runs two rows, and so does an edit of one that is recorded.
    private static readonly MemoryDemand StudioDemand = new(Rows: 2);

    private readonly CheckpointOptions checkpoint = new();
    private readonly Option<string> dtype = Parsed.Choice("--dtype", "What the model computes in", "float32", "float32", "bfloat16", "float16");

    private readonly MemoryOptions memory = new();

    public ModelOptions() => device.DefaultValueFactory = _ => "auto";

    /// <summary>Adds <c>--model</c>, what goes with it, <c>--device</c> and <c>--dtype</c>.</summary>
    public ModelOptions AddTo(Command command)
    {
        command.Add(model);
        checkpoint.AddTo(command).AddLorasTo(command).AddEmbeddingsTo(command);
        command.Add(device);
        command.Add(dtype);
        memory.AddTo(command);
        return this;
    }

    /// <summary>Adds <c>--model</c>, <c>--tokenizer</c> and <c>--embedding</c> alone, for commands that compute nothing.</summary>
    public ModelOptions AddNameTo(Command command)
    {
        command.Add(model);
        checkpoint.AddTokenizerTo(command).AddEmbeddingsTo(command);
        return this;
    }

    /// <summary>Full path of the model.</summary>
    /// <exception cref="InvalidInputException">There is no such model.</exception>
    public string Directory(ParseResult parse) => ModelFolder.FindModel(parse.GetValue(model)!);

    /// <summary>The model's tokenizer, which needs no libtorch.</summary>
    public ClipTokenizer LoadTokenizer(ParseResult parse) => StableDiffusionModel.LoadTokenizer(Directory(parse), checkpoint.Read(parse));

    /// <summary>Loads libtorch and the model.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="demand">What the run does; a run that this machine's memory cannot hold is refused before anything is loaded. Null where it is not known.</param>
    public StableDiffusionModel Load(ParseResult parse, MemoryDemand? demand = null) => Load(parse, Directory(parse), checkpoint.Read(parse), demand);

    private StableDiffusionModel Load(ParseResult parse, string directory, ModelLoadOptions files, MemoryDemand? demand)
    {
        LibTorch.EnsureLoaded();
        var (where, dtype) = (Device(parse), Dtype(parse));
        // Of a GPU's memory libtorch tells nothing here.
        return StableDiffusionModel.Load(directory, where, dtype, memory.Choose(parse, directory, files, dtype, where.type == DeviceType.CPU ? demand : null));
    }

    private torch.ScalarType Dtype(ParseResult parse) => parse.GetValue(dtype) switch
    {
        "bfloat16" => torch.ScalarType.BFloat16,
        "float16" => torch.ScalarType.Float16,
        _ => torch.ScalarType.Float32,
    };

    /// <summary>The model as the studio offers it: found now, loaded when it is needed.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="name">Another one than <c>--model</c> says, for the same device and type.</param>
    public OfferedModel Offer(ParseResult parse, string? name = null)
    {
        var directory = ModelFolder.FindModel(name ?? parse.GetValue(model)!);
        // What adapts one model's files says nothing about another's.
        var files = name is null ? checkpoint.Read(parse) : new ModelLoadOptions();
        return new OfferedModel(name ?? parse.GetValue(model)!, () => Load(parse, directory, files, StudioDemand));
    }

    private torch.Device Device(ParseResult parse)
    {
        var name = parse.GetValue(device)!;
        if (name == "cpu" || (name == "auto" && !torch.cuda.is_available()))
            return torch.CPU;
        if (!torch.cuda.is_available())
            throw new InvalidInputException($"--device {name}: libtorch finds no CUDA device here; use --device cpu.");
        var index = name.Contains(':') ? int.Parse(name.Split(':')[1]) : 0;
        return index < torch.cuda.device_count()
            ? new torch.Device(DeviceType.CUDA, index)
            : throw new InvalidInputException($"--device {name}: there are only {torch.cuda.device_count()} CUDA devices, counted from 0.");
    }

    private static string ReadDevice(string text)
    {
        var parts = text.ToLowerInvariant().Split(':');
        var known = parts is ["auto"] or ["cpu"] or ["cuda"] || (parts is ["cuda", var n] && byte.TryParse(n, out _));
        return known ? text.ToLowerInvariant() : throw new FormatException();
    }
}
