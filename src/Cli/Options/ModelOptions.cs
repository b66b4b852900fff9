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
    private readonly CheckpointOptions checkpoint = new();
    private readonly Option<string> dtype = Parsed.Choice("--dtype", "What the model computes in", "float32", "float32", "bfloat16", "float16");

    private readonly Option<bool> vaeTiling = new("--vae-tiling")
    {
        Description = "Decode and encode pictures larger than 512 pixels in tiles: far less memory, slightly other colours",
    };

    public ModelOptions() => device.DefaultValueFactory = _ => "auto";

    /// <summary>Adds <c>--model</c>, what goes with it, <c>--device</c> and <c>--dtype</c>.</summary>
    public ModelOptions AddTo(Command command)
    {
        command.Add(model);
        checkpoint.AddTo(command).AddLorasTo(command).AddEmbeddingsTo(command);
        command.Add(device);
        command.Add(dtype);
        command.Add(vaeTiling);
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
    public StableDiffusionModel Load(ParseResult parse) => Load(parse, Directory(parse), Files(parse));

    private StableDiffusionModel Load(ParseResult parse, string directory, ModelLoadOptions files)
    {
        LibTorch.EnsureLoaded();
        return StableDiffusionModel.Load(directory, Device(parse), Dtype(parse), files);
    }

    /// <summary>Refuses a run that this machine's memory cannot hold, before anything is loaded.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="size">The pictures' size; null for the model's own.</param>
    /// <param name="rows">Rows of the U-Net's batch.</param>
    public void RequireMemory(ParseResult parse, PixelSize? size, int rows)
    {
        LibTorch.EnsureLoaded();
        // Of a GPU's memory libtorch tells nothing here.
        if (Device(parse).type == DeviceType.CPU)
            MemoryEstimate.Of(Directory(parse), Files(parse), Dtype(parse), size, rows).RequireFits(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    private ModelLoadOptions Files(ParseResult parse) => checkpoint.Read(parse) with { TiledVae = parse.GetValue(vaeTiling) };

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
        var files = name is null ? Files(parse) : new ModelLoadOptions { TiledVae = parse.GetValue(vaeTiling) };
        Option[] deciding = [.. name is null ? checkpoint.All : [], dtype, vaeTiling];
        return new OfferedModel(name ?? parse.GetValue(model)!, () => Load(parse, directory, files)) { Arguments = [.. deciding.SelectMany(option => AsGiven(parse, option))] };
    }

    private static IEnumerable<string> AsGiven(ParseResult parse, Option option)
    {
        if (parse.GetResult(option) is not { Implicit: false } given)
            return [];
        return given.Tokens.Count == 0 ? [option.Name] : given.Tokens.SelectMany(token => new[] { option.Name, token.Value });
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
