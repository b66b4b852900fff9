using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Diffusion.Pipelines;
using TorchSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Repeats an earlier run exactly from its record: a <c>run.json</c>, or a picture that contains one.</summary>
internal sealed class Repetition
{
    // A record may come from anywhere and contains a command line. These commands only read the named files and write where the user says.
    private static readonly string[] Commands = ["generate", "edit", "grid", "invert", "inpaint", "attention"];
    private const int MaxThreads = 1 << 10;

    private readonly string path;
    private readonly JsonObject record;
    private readonly string[] arguments;

    // Keyed by the option or argument and the recorded path.
    private readonly Dictionary<(string Symbol, string Recorded), string> found = [];

    private Repetition(string path, JsonObject record, string[] arguments) => (this.path, this.record, this.arguments) = (path, record, arguments);

    /// <summary>The name by which the user gave the model; null if unknown.</summary>
    public string? ModelName => TextOf(record[RunRecord.ModelName]);

    /// <summary>File name of the run's trace; null without one.</summary>
    public string? Trace => FileName(RunRecord.Trace);

    /// <summary>File name of the output of a run with a single output file; null for pictures.</summary>
    public string? Output => FileName(RunRecord.Output);

    /// <summary>Reads a record and finds its input files.</summary>
    /// <param name="path">A record, a picture that contains one, or a folder with a <c>run.json</c>.</param>
    /// <exception cref="InvalidInputException">There is no record, it cannot be repeated, or an input file is missing or has changed.</exception>
    public static Repetition Read(string path)
    {
        var record = RecordOf(path);
        var arguments = (record[RunRecord.Repeat] as JsonArray)?.Select(TextOf).ToList();
        if (arguments is null)
            throw new InvalidInputException($"{path} cannot be repeated: it was written by an earlier version, or made in several steps. See p2p info {path}.");
        if (arguments.Contains(null) || !Commands.Contains(arguments.FirstOrDefault()))
            throw new InvalidInputException(Damaged(path));
        var repetition = new Repetition(path, record, [.. arguments.OfType<string>()]);
        repetition.FindInputs();
        repetition.FindModel();
        if (TextOf(record[RunRecord.ProgramVersion]) is { } version && version != RunRecord.Version)
            Console.Error.WriteLine($"note: this run was made with version {version}; version {RunRecord.Version} may give different pictures");
        return repetition;
    }

    /// <summary>The record at a path.</summary>
    /// <exception cref="InvalidInputException">There is no record.</exception>
    private static JsonObject RecordOf(string path)
    {
        var file = ImageNotes.FileOf(path);
        var found = ImageNotes.Read(file);
        return found.Record ?? throw new InvalidInputException(
            found.IsImage ? $"{path} does not contain a run record. Give a picture made by p2p, or a run.json." : $"{path} is not a run record. Give a run.json, or a picture made by p2p.");
    }

    /// <summary>The command line that repeats the run.</summary>
    /// <param name="commands">The program's commands.</param>
    /// <param name="reporting">Options for output and reports. A record must not contain them.</param>
    /// <exception cref="InvalidInputException">The record contains something that no recorded run does.</exception>
    public ParseResult Parse(RootCommand commands, params IEnumerable<string> reporting)
    {
        var recorded = Checked(arguments);
        string[] repeated = [.. RunRecord.GivenOptions(recorded, [], Found), RunRecord.EndOfOptions, .. RunRecord.GivenArguments(recorded, Found)];
        Checked([arguments[0], .. repeated]);
        return commands.Parse([arguments[0], .. reporting, .. repeated], CommandLine.Parsing);

        // Check the parsed result: an option can be written in many ways.
        ParseResult Checked(IReadOnlyList<string> line)
        {
            var parse = commands.Parse(line, CommandLine.Parsing);
            if (parse.Errors.Count > 0)
                throw new InvalidInputException($"{path} uses something that this version of p2p does not have: {parse.Errors[0].Message}");
            return parse.CommandResult.Children.OfType<OptionResult>().All(option => option.Implicit || !RunRecord.Reporting.Contains(option.Option.Name))
                ? parse : throw new InvalidInputException(Damaged(path));
        }
    }

    /// <summary>Makes a loaded model compute as in the recorded run.</summary>
    /// <exception cref="InvalidInputException">It is a different model.</exception>
    public void Require(StableDiffusionModel model)
    {
        if (TextOf(record[RunRecord.Fingerprint]) is { } fingerprint && fingerprint != model.Fingerprint)
        {
            throw new InvalidInputException(
                $"{path} was made with another model: the files in {model.Directory}, or the LoRAs and embeddings added to it, have changed. Restore the original files.");
        }

        // Sums are split between threads, so the number of threads changes the rounding.
        if (record[RunRecord.Threads] is JsonValue number && number.TryGetValue<int>(out var threads) && threads is > 0 and <= MaxThreads)
        {
            torch.set_num_threads(threads);
            Warnings.Numerics(MachineNumerics.Require(model.Device));
        }
    }

    /// <summary>Compares the results with the recorded ones and adds the outcome to the new record.</summary>
    /// <param name="made">The new run's record.</param>
    /// <param name="quiet">Whether to print nothing if the results are identical.</param>
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
            Console.Error.WriteLine("The results are identical to the recorded ones, bit for bit.");
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
            // After a folder was moved, its inputs are still next to its results.
            string[] places = [recorded, Path.Combine(folder, Path.GetFileName(recorded))];
            var there = places.Where(File.Exists).ToList();
            if (there.Find(file => RunRecord.HashOf(file) == hash) is not { } place)
            {
                throw new InvalidInputException(there.Count == 0
                    ? $"The run's input {recorded} is missing. Restore it."
                    : $"The run's input {recorded} has changed. Restore the original file.");
            }

            found[(TextOf(input[RunRecord.Option]) ?? "", recorded)] = place;
        }
    }

    // A model that was moved can still be found by name.
    private void FindModel()
    {
        if (TextOf(record[RunRecord.Model]) is { } model && TextOf(record[RunRecord.ModelName]) is { } name && !File.Exists(model) && !Directory.Exists(model))
            found[(RunRecord.ModelOption, model)] = name;
    }

    // Only whole values of options and arguments that name files, not other text that happens to contain a path.
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

    // A bare file name, so that a record cannot choose another folder.
    private string? FileName(string part) => TextOf(record[part]) is { Length: > 0 } name && Path.GetFileName(name) == name && name is not ("." or "..") ? name : null;

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
