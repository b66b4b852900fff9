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

/// <summary>A file or folder that a run reads.</summary>
/// <param name="Symbol">The option or argument that names it.</param>
/// <param name="Path">Its path.</param>
/// <param name="Argument">How the command line names it from any folder; null for by its full path alone.</param>
internal sealed record RunInput(Symbol Symbol, string Path, string? Argument = null)
{
    public string FullPath => System.IO.Path.GetFullPath(Path);

    /// <summary>The file that an option names, where it was given.</summary>
    public static IEnumerable<RunInput> Given(ParseResult parse, Option<string?> option) => parse.GetValue(option) is { } path ? [new(option, path)] : [];
}

/// <summary>
/// What is written about a run, so that it can be repeated exactly: into <c>run.json</c>, and into every picture it makes. <see cref="Repetition"/> reads it.
/// </summary>
internal static class RunRecord
{
    /// <summary>Names of parts of a record that more than one place reads.</summary>
    public const string Command = "command", Run = "run", Repeat = "repeat", Inputs = "inputs", Model = "model", ModelName = "modelName", Fingerprint = "modelFingerprint",
        ProgramVersion = "version", Threads = "threads", Trace = "trace", Output = "output", Results = "results", Files = "files", Path = "path", Sha256 = "sha256",
        Picture = "picture", Option = "option";

    /// <summary>What ends the options of a command line.</summary>
    public const string EndOfOptions = "--";

    /// <summary>The option that names the model.</summary>
    public const string ModelOption = "--model";

    /// <summary>Options that say where files go and what is shown, and decide no picture.</summary>
    public static readonly string[] Reporting = ["--output", "--trace", "--json", "--quiet", "--overwrite"];

    // As many digits as others show of a model's hash.
    private const int HashLength = 10;

    // What they turn out to be is written instead.
    private static readonly string[] Resolved = [ModelOption, "--device", "--low-memory"];

    // They differ from one run of the same to the next, or tell of this machine's folders alone.
    private static readonly string[] OfOneRun = ["arguments", "seconds", Files, "folder", "identical"];

    public static string Version { get; } =
        typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Begins the record of a run: what it takes to repeat it, and <see cref="Run"/>, a name that the same run has every time.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="modelName">What the user calls it.</param>
    /// <param name="inputs">The files it reads.</param>
    /// <param name="trace">File name of the trace, which a run that is looked at closely rounds a little differently for; null where there is none.</param>
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
            ["dtype"] = model.Dtype.ToString().ToLowerInvariant(),
            [Threads] = torch.get_num_threads(),
        };
        var decides = (JsonObject)record.DeepClone();
        decides.Remove(ModelName);
        decides[Trace] = trace is not null;
        record[Run] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json.Line(decides))))[..16];
        record[Trace] = trace;
        record["arguments"] = Json.Array(parse.Tokens.Select(token => token.Value));
        return record;
    }

    /// <summary>Adds what a run of pictures was, and what came of it.</summary>
    public static void Complete(JsonObject record, ParseResult parse, PictureRequest request, EditResult result)
    {
        record["source"] = request.Source.Prompt;
        record["targets"] = Json.Array(request.Edit.Prompts);
        record["scheduler"] = result.Sampler.Name();
        record["timesteps"] = Json.Array(result.Timesteps);
        record["width"] = result.Pictures[0].Width;
        record["height"] = result.Pictures[0].Height;
        var options = Options(parse);
        // An inversion decides these, whatever the defaults are.
        options["steps"] = request.Sampling.Steps;
        options["guidance"] = request.Sampling.Guidance;
        options["steps-offset"] = request.Sampling.StepsOffset;
        options["scheduler"] = result.Sampler.Name();
        record["options"] = options;
    }

    /// <summary>Every option of a command with the value that counted, defaults included.</summary>
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

    /// <summary>The record as a picture carries it: without what only one run of the same has, so that equal pictures are equal files.</summary>
    /// <param name="record">The run's record.</param>
    /// <param name="picture">Name of the picture's file in it.</param>
    public static PngText Text(JsonObject record, string picture)
    {
        var carried = (JsonObject)record.DeepClone();
        foreach (var part in OfOneRun)
            carried.Remove(part);
        foreach (var option in Reporting.Concat(Resolved))
            (carried["options"] as JsonObject)?.Remove(option.TrimStart('-'));
        carried[Picture] = picture;
        return new PngText(PngText.RecordKeyword, Json.Line(carried));
    }

    /// <summary>What other programs understand of a picture.</summary>
    /// <param name="record">The run's record.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="result">What came of it.</param>
    /// <param name="row">Which of the pictures.</param>
    public static GenerationParameters Parameters(JsonObject record, PictureRequest request, EditResult result, int row)
    {
        var isEdit = result.Rows[row] > 0;
        var (source, sampling) = (request.Source, request.Sampling);
        // A given picture has its noise from itself.
        ulong? seed = source.Inverted is not null || source.InitialLatents is not null ? null
            : isEdit ? request.Edit.EditSeed ?? sampling.Seed : sampling.Seed;
        return GenerationParameters.Of(
            isEdit ? request.Edit.Prompts[result.Rows[row] - 1] : source.Prompt, sampling.Negative, sampling.Steps, result.Sampler, sampling.Guidance, seed, result.Pictures[row].Size,
            (string)record[ModelName]!, ((string)record[Fingerprint]!)[..HashLength], sampling.ClipSkip, isEdit ? source.Prompt : null, $"p2p {Version}");
    }

    /// <summary>The options that a command line gives, in a form that reads as the same values whatever they begin with.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="except">Options to leave out.</param>
    /// <param name="values">The values to write for those of an option.</param>
    public static IEnumerable<string> GivenOptions(ParseResult parse, IEnumerable<string> except, Func<Symbol, IReadOnlyList<Token>, IEnumerable<string>> values)
    {
        foreach (var given in parse.CommandResult.Children.OfType<OptionResult>().Where(result => !result.Implicit && !except.Contains(result.Option.Name)))
        {
            if (given.Tokens.Count == 0)
                yield return given.Option.Name;
            foreach (var value in values(given.Option, given.Tokens))
            {
                // A value that begins like an option is read as a value only behind an equals sign.
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

    /// <summary>The arguments that a command line gives; they belong behind <see cref="EndOfOptions"/>.</summary>
    /// <inheritdoc cref="GivenOptions"/>
    public static IEnumerable<string> GivenArguments(ParseResult parse, Func<Symbol, IReadOnlyList<Token>, IEnumerable<string>> values) =>
        parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(given => values(given.Argument, given.Tokens));

    // The command line that makes the same from any folder: what was given, with files by their full paths, and what was chosen for the user.
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

    // What cannot be read is said by those who need it.
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
    public static string HashOf(Picture picture) => Convert.ToHexStringLower(SHA256.HashData(picture.Rgb));
}
