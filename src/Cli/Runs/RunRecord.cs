using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Pipelines;
using TorchSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>An input file or folder of a run.</summary>
/// <param name="Symbol">The option or argument that names it.</param>
/// <param name="Path">Its path.</param>
/// <param name="Argument">How the command line names it from any folder; null for its full path.</param>
internal sealed record RunInput(Symbol Symbol, string Path, string? Argument = null)
{
    public string FullPath => System.IO.Path.GetFullPath(Path);

    /// <summary>The file that an option names, if given.</summary>
    public static IEnumerable<RunInput> Given(ParseResult parse, Option<string?> option) => parse.GetValue(option) is { } path ? [new(option, path)] : [];
}

/// <summary>
/// The record of a run, from which it can be repeated exactly: in <c>run.json</c> and in every picture of the run. <see cref="Repetition"/> reads it.
/// </summary>
internal static class RunRecord
{
    /// <summary>Field names that are used in more than one place.</summary>
    public const string Command = "command", Run = "run", Repeat = "repeat", Inputs = "inputs", Model = "model", ModelName = "modelName", Fingerprint = "modelFingerprint",
        ProgramVersion = "version", Threads = "threads", Trace = "trace", Output = "output", Results = "results", Files = "files", Path = "path", Sha256 = "sha256",
        Image = "picture", Option = "option";

    /// <summary>The separator between options and arguments.</summary>
    public const string EndOfOptions = "--";

    /// <summary>The option that names the model.</summary>
    public const string ModelOption = "--model";

    /// <summary>Options for output and reports, which do not affect pictures.</summary>
    public static readonly string[] Reporting = ["--output", "--trace", "--json", "--quiet", "--overwrite"];

    // Other programs show as many digits of a model's hash.
    private const int HashLength = 10;

    // Their resolved values are recorded instead.
    private static readonly string[] Resolved = [ModelOption, "--device", "--low-memory"];

    // These differ between identical runs, or only describe local folders.
    private static readonly string[] OfOneRun = ["arguments", "seconds", Files, "folder", "identical"];

    public static string Version { get; } =
        typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Creates the record of a run: everything needed to repeat it, and <see cref="Run"/>, an identifier that identical runs share.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="modelName">Its name as the user gave it.</param>
    /// <param name="inputs">The input files.</param>
    /// <param name="trace">File name of the trace, or null. Tracing changes the rounding slightly.</param>
    public static JsonObject Begin(ParseResult parse, StableDiffusionModel model, string modelName, IReadOnlyList<RunInput> inputs, string? trace)
    {
        var record = new JsonObject
        {
            [Command] = parse.CommandResult.Command.Name,
            [ProgramVersion] = Version,
            [Repeat] = Json.Array(Repeated(parse, model, inputs)),
            [Inputs] = new JsonArray([.. inputs.DistinctBy(input => (input.FullPath, input.Symbol)).Select(Describe)]),
            [Model] = model.Directory,
            [ModelName] = modelName,
            [Fingerprint] = model.Fingerprint,
            ["device"] = model.Device.ToString(),
            ["dtype"] = Name(model.WeightType),
            [Threads] = torch.get_num_threads(),
        };
        if (model.WeightType != model.Dtype)
            record["arithmetic"] = Name(model.Dtype);
        var decides = (JsonObject)record.DeepClone();
        decides.Remove(ModelName);
        decides[Trace] = trace is not null;
        record[Run] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json.Line(decides))))[..16];
        record[Trace] = trace;
        record["arguments"] = Json.Array(parse.Tokens.Select(token => token.Value));
        return record;

        static string Name(torch.ScalarType type) => type.ToString().ToLowerInvariant();
    }

    /// <summary>Adds the request and the results of a run with pictures.</summary>
    public static void Complete(JsonObject record, ParseResult parse, ImageRequest request, EditResult result)
    {
        record["source"] = request.Source.Prompt;
        record["targets"] = Json.Array(request.Edit.Prompts);
        record["scheduler"] = result.Scheduler.Name();
        record["timesteps"] = Json.Array(result.Timesteps);
        record["width"] = result.Images[0].Width;
        record["height"] = result.Images[0].Height;
        var options = Options(parse);
        // For an inverted picture, the inversion decides these.
        options["steps"] = request.Sampling.Steps;
        options["guidance"] = request.Sampling.Guidance;
        if (options.ContainsKey("guidance-rescale"))
            options["guidance-rescale"] = request.Sampling.GuidanceRescale;
        options["steps-offset"] = request.Sampling.StepsOffset;
        options["scheduler"] = result.Scheduler.Name();
        record["options"] = options;
    }

    /// <summary>Every option of a command with its effective value, defaults included.</summary>
    public static JsonObject Options(ParseResult parse)
    {
        var options = new JsonObject();
        foreach (var option in parse.CommandResult.Command.Options.Where(option => option is not HelpOption))
        {
            options[option.Name.TrimStart('-')] = parse.GetValue<object>(option.Name) switch
            {
                ValueTuple<int, int> size => $"{size.Item1}x{size.Item2}",
                var value => JsonSerializer.SerializeToNode(value),
            };
        }

        return options;
    }

    /// <summary>The record as embedded in a picture, without fields that differ between identical runs, so that equal pictures are equal files.</summary>
    /// <param name="record">The run's record.</param>
    /// <param name="image">Name of the picture's file in it.</param>
    public static PngText Text(JsonObject record, string image)
    {
        var carried = (JsonObject)record.DeepClone();
        foreach (var part in OfOneRun)
            carried.Remove(part);
        foreach (var option in Reporting.Concat(Resolved))
            (carried["options"] as JsonObject)?.Remove(option.TrimStart('-'));
        carried[Image] = image;
        return new PngText(PngText.RecordKeyword, Json.Line(carried));
    }

    /// <summary>The settings of a picture in AUTOMATIC1111's form.</summary>
    /// <param name="record">The run's record.</param>
    /// <param name="request">The request.</param>
    /// <param name="result">The result.</param>
    /// <param name="row">Row of the picture.</param>
    /// <param name="isEdit">Whether the picture is an edit; null if that is in the result.</param>
    public static GenerationParameters Parameters(JsonObject record, ImageRequest request, EditResult result, int row, bool? isEdit = null)
    {
        var edited = isEdit ?? result.Rows[row] > 0;
        var (source, sampling) = (request.Source, request.Sampling);
        // An inverted picture has no seed, and mixed noise has two.
        ulong? seed = source.Inverted is not null || source.InitialLatents is not null || (edited && request.Edit.EditNoise < 1) ? null
            : edited ? request.Edit.EditSeed ?? sampling.Seed : sampling.Seed;
        return GenerationParameters.Of(
            edited ? request.Edit.Prompts[result.Rows[row] - 1] : source.Prompt, sampling.Negative, sampling.Steps, result.Scheduler.Label(), sampling.Guidance, seed, result.Images[row].Size,
            (string)record[ModelName]!, ((string)record[Fingerprint]!)[..HashLength], sampling.ClipSkip, edited ? source.Prompt : null, $"p2p {Version}");
    }

    /// <summary>The explicitly given options, written so that values that begin with a dash are parsed correctly.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="except">Options to leave out.</param>
    /// <param name="values">Maps the values of an option to the values to write.</param>
    public static IEnumerable<string> GivenOptions(ParseResult parse, IEnumerable<string> except, Func<Symbol, IReadOnlyList<Token>, IEnumerable<string>> values)
    {
        foreach (var given in parse.CommandResult.Children.OfType<OptionResult>().Where(result => !result.Implicit && !except.Contains(result.Option.Name)))
        {
            if (given.Tokens.Count == 0)
                yield return given.Option.Name;
            foreach (var value in values(given.Option, given.Tokens))
            {
                // A value that begins like an option needs an equals sign.
                if (value.StartsWith('-'))
                {
                    yield return $"{given.Option.Name}={value}";
                    continue;
                }

                yield return given.Option.Name;
                yield return value;
            }
        }
    }

    /// <summary>The explicitly given arguments; write them after <see cref="EndOfOptions"/>.</summary>
    /// <inheritdoc cref="GivenOptions"/>
    public static IEnumerable<string> GivenArguments(ParseResult parse, Func<Symbol, IReadOnlyList<Token>, IEnumerable<string>> values) =>
        parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(given => values(given.Argument, given.Tokens));

    // The command line that repeats the run from any folder: the given options with full paths, and the automatic choices.
    private static string[] Repeated(ParseResult parse, StableDiffusionModel model, IReadOnlyList<RunInput> inputs)
    {
        return
        [
            parse.CommandResult.Command.Name,
            .. GivenOptions(parse, Reporting.Concat(Resolved), Values),
            ModelOption, model.Directory, "--device", model.Device.ToString(),
            .. model.OnePartAtATime ? ["--low-memory"] : Array.Empty<string>(),
            EndOfOptions,
            .. GivenArguments(parse, Values),
        ];

        IEnumerable<string> Values(Symbol symbol, IReadOnlyList<Token> tokens)
        {
            var files = inputs.Where(input => input.Symbol == symbol).ToList();
            return files.Count == tokens.Count ? files.Select(file => file.Argument ?? file.FullPath) : tokens.Select(token => token.Value);
        }
    }

    private static JsonObject Describe(RunInput input) => new()
    {
        [Path] = input.FullPath,
        [Option] = input.Symbol.Name,
        [Sha256] = Directory.Exists(input.FullPath) ? null : ReadableHash(input.FullPath),
    };

    // The reader of the file reports that it cannot be read.
    private static string? ReadableHash(string path)
    {
        try
        {
            return HashOf(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>SHA-256 of a file.</summary>
    public static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>SHA-256 of a picture's pixels.</summary>
    public static string HashOf(Image image) => Convert.ToHexStringLower(SHA256.HashData(image.Rgb));
}
