using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Diffusion.Pipelines;
using TorchSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>An earlier run that is made again, exactly, from its record: a <c>run.json</c>, or a picture that carries it.</summary>
internal sealed class Repetition
{
    // A record may come from anywhere, and says what to run. These commands read what it names and write where the user says.
    private static readonly string[] Commands = ["generate", "edit", "invert", "inpaint", "attention"];
    private const int MaxThreads = 1 << 10;

    private readonly string path;
    private readonly JsonObject record;
    private readonly string[] arguments;

    // By the option or argument and the path in the record.
    private readonly Dictionary<(string Symbol, string Recorded), string> found = [];

    private Repetition(string path, JsonObject record, string[] arguments) => (this.path, this.record, this.arguments) = (path, record, arguments);

    /// <summary>What the user called the model; null where that is not known.</summary>
    public string? ModelName => TextOf(record[RunRecord.ModelName]);

    /// <summary>File name of the trace that the run wrote; null where it wrote none.</summary>
    public string? Trace => FileName(RunRecord.Trace);

    /// <summary>File name of what the run made, where it was one file; null for pictures.</summary>
    public string? Output => FileName(RunRecord.Output);

    /// <summary>Reads a record and finds the files that its run read.</summary>
    /// <param name="path">A record, a picture that carries one, or a folder with a <c>run.json</c>.</param>
    /// <exception cref="InvalidInputException">There is none, it cannot be repeated, or a file has changed or is missing.</exception>
    public static Repetition Read(string path)
    {
        var record = RecordOf(path);
        var arguments = (record[RunRecord.Repeat] as JsonArray)?.Select(TextOf).ToList();
        if (arguments is null)
            throw new InvalidInputException($"{path} cannot be repeated: it was written by an earlier version, or made in several steps; see p2p info {path}.");
        if (arguments.Contains(null) || !Commands.Contains(arguments.FirstOrDefault()))
            throw new InvalidInputException(Damaged(path));
        var repetition = new Repetition(path, record, [.. arguments.OfType<string>()]);
        repetition.FindInputs();
        repetition.FindModel();
        if (TextOf(record[RunRecord.ProgramVersion]) is { } version && version != RunRecord.Version)
            Console.Error.WriteLine($"note: this run was made with version {version}; this is {RunRecord.Version}, whose pictures may differ");
        return repetition;
    }

    /// <summary>The record of a path: what <c>p2p info</c> shows of it.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    private static JsonObject RecordOf(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, "run.json") : path;
        if (!File.Exists(file))
            throw new InvalidInputException($"There is no file {file}; give a run.json or a picture that p2p has made.");
        var found = PictureNotes.Read(file);
        return found.Record ?? throw new InvalidInputException(
            found.IsPicture ? $"{path} does not carry the record of a run; give a picture that p2p has made, or a run.json." : $"{path} is not the record of a run; give a run.json or a picture that p2p has made.");
    }

    /// <summary>The command line that makes the same.</summary>
    /// <param name="commands">The program's commands.</param>
    /// <param name="reporting">Options that say where files go and what is shown. The record says nothing of that: such options in it are refused.</param>
    /// <exception cref="InvalidInputException">The record asks for something that no recorded run does.</exception>
    public ParseResult Parse(RootCommand commands, params IEnumerable<string> reporting)
    {
        var recorded = Checked(arguments);
        string[] repeated = [.. RunRecord.GivenOptions(recorded, [], Found), RunRecord.EndOfOptions, .. RunRecord.GivenArguments(recorded, Found)];
        Checked([arguments[0], .. repeated]);
        return commands.Parse([arguments[0], .. reporting, .. repeated], CommandLine.Parsing);

        // As the parser reads it: there are many ways to write an option.
        ParseResult Checked(IReadOnlyList<string> line)
        {
            var parse = commands.Parse(line, CommandLine.Parsing);
            if (parse.Errors.Count > 0)
                throw new InvalidInputException($"{path} asks for what this version of p2p does not have: {parse.Errors[0].Message}");
            return parse.CommandResult.Children.OfType<OptionResult>().All(option => option.Implicit || !RunRecord.Reporting.Contains(option.Option.Name))
                ? parse : throw new InvalidInputException(Damaged(path));
        }
    }

    /// <summary>Makes a loaded model compute as it did then.</summary>
    /// <exception cref="InvalidInputException">It is another model.</exception>
    public void Require(StableDiffusionModel model)
    {
        if (TextOf(record[RunRecord.Fingerprint]) is { } fingerprint && fingerprint != model.Fingerprint)
        {
            throw new InvalidInputException(
                $"{path} was made with another model than {model.Directory} is now: its files, or the LoRAs and words added to it, have changed. Restore the original files.");
        }

        // Sums are split between threads, and rounded differently by another number of them.
        if (record[RunRecord.Threads] is JsonValue number && number.TryGetValue<int>(out var threads) && threads is > 0 and <= MaxThreads)
        {
            torch.set_num_threads(threads);
            Warnings.Numerics(MachineNumerics.Require(model.Device));
        }
    }

    /// <summary>Says whether the same came of it, and writes that into the new record.</summary>
    /// <param name="made">The new run's record.</param>
    /// <param name="quiet">Whether nobody wants to know that all is well.</param>
    public void Compare(JsonObject made, bool quiet)
    {
        var (before, now) = (record[RunRecord.Results] as JsonObject ?? [], made[RunRecord.Results] as JsonObject ?? []);
        var others = before.Where(result => TextOf(result.Value) != TextOf(now[result.Key])).Select(result => result.Key).ToList();
        made["identical"] = before.Count > 0 && others.Count == 0;
        if (others.Count > 0)
        {
            Console.Error.WriteLine(
                $"note: results differ from the recorded run: {string.Join(", ", others)} (another processor, device or version rounds differently)");
        }
        else if (before.Count > 0 && !quiet)
        {
            Console.Error.WriteLine("The results are the recorded ones, bit for bit.");
        }
    }

    private void FindInputs()
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        foreach (var input in (record[RunRecord.Inputs] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (TextOf(input[RunRecord.Path]) is not { } recorded)
                continue;
            var hash = TextOf(input[RunRecord.Sha256]);
            if (hash is null && Directory.Exists(recorded))
                continue;
            // A folder that was moved has its inputs next to its results still.
            string[] places = [recorded, Path.Combine(folder, Path.GetFileName(recorded))];
            var there = places.Where(File.Exists).ToList();
            if (there.Find(file => RunRecord.HashOf(file) == hash) is not { } place)
            {
                throw new InvalidInputException(there.Count == 0
                    ? $"This run read {recorded}, which is missing; restore it."
                    : $"This run read {recorded}, which has changed since; restore the original file.");
            }

            found[(TextOf(input[RunRecord.Option]) ?? "", recorded)] = place;
        }
    }

    // A model that was moved can still have its name.
    private void FindModel()
    {
        if (TextOf(record[RunRecord.Model]) is { } model && TextOf(record[RunRecord.ModelName]) is { } name && !File.Exists(model) && !Directory.Exists(model))
            found[(RunRecord.ModelOption, model)] = name;
    }

    // Whole values of the options and arguments that name files, and no other text that happens to contain a path.
    private IEnumerable<string> Found(Symbol symbol, IReadOnlyList<Token> values) => values.Select(token =>
    {
        var value = token.Value;
        if (found.TryGetValue((symbol.Name, value), out var whole))
            return whole;
        foreach (var ((_, recorded), place) in found.Where(input => input.Key.Symbol == symbol.Name))
        {
            // WORD=PATH and PATH:WEIGHT.
            if (value.EndsWith($"={recorded}", StringComparison.Ordinal))
                return value[..^recorded.Length] + place;
            if (value.StartsWith($"{recorded}:", StringComparison.Ordinal)
                && double.TryParse(value[(recorded.Length + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out _))
                return place + value[recorded.Length..];
        }

        return value;
    });

    private static string Damaged(string path) => $"{path} is not a valid p2p run record.";

    // A name and no path, so that nothing is written elsewhere than the user says.
    private string? FileName(string part) => TextOf(record[part]) is { Length: > 0 } name && Path.GetFileName(name) == name && name is not ("." or "..") ? name : null;

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
