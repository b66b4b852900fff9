using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using TorchSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>An earlier run that is made again, exactly, from its record: a <c>run.json</c>, or a picture that carries it.</summary>
internal sealed class Repetition
{
    // A record may come from anywhere, and says what to run. These commands read what it names and write where the user says.
    private static readonly string[] Commands = ["generate", "edit", "invert", "inpaint", "attention"];
    private static readonly string[] Refused = ["-o", "--output", "--trace", "--overwrite"];
    private const string EndOfOptions = "--";
    private const int MaxThreads = 1 << 10;

    private readonly string path;
    private readonly JsonObject record;
    private readonly List<string> arguments;

    private Repetition(string path, JsonObject record, List<string> arguments) => (this.path, this.record, this.arguments) = (path, record, arguments);

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
            throw new InvalidInputException($"{path} says how its picture was made, but not in a form that can be repeated (an earlier version wrote it, or it took several steps); see p2p info {path}.");
        var options = arguments.TakeWhile(argument => argument != EndOfOptions).ToList();
        if (arguments.Contains(null) || !Commands.Contains(arguments.FirstOrDefault()) || options.Any(option => Refused.Any(refused => IsOption(option!, refused))))
            throw new InvalidInputException($"{path} is damaged: what it says is not a run that p2p has recorded.");
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
    /// <param name="reporting">Options that say where files go and what is shown.</param>
    public string[] Arguments(params IEnumerable<string> reporting) => [arguments[0], .. reporting, .. arguments[1..]];

    /// <summary>Makes a loaded model compute as it did then.</summary>
    /// <exception cref="InvalidInputException">It is another model.</exception>
    public void Require(StableDiffusionModel model)
    {
        if (TextOf(record[RunRecord.Fingerprint]) is { } fingerprint && fingerprint != model.Fingerprint)
        {
            throw new InvalidInputException(
                $"{path} was made with another model than {model.Directory} is now: its files, or the LoRAs and words added to it, have changed. Bring back what it was made with.");
        }

        // Sums are split between threads, and rounded differently by another number of them.
        if (record[RunRecord.Threads] is JsonValue number && number.TryGetValue<int>(out var threads) && threads is > 0 and <= MaxThreads)
            torch.set_num_threads(threads);
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
                $"note: not bit for bit as it was: {string.Join(", ", others)} (another processor, device or version rounds differently)");
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
            var found = there.Find(place => RunRecord.HashOf(place) == hash);
            if (found is null)
            {
                throw new InvalidInputException(there.Count == 0
                    ? $"This run read {recorded}, which is not there; bring it back."
                    : $"This run read {recorded}, which has changed since; bring back what it was.");
            }

            Replace(recorded, found);
        }
    }

    // A model that was moved can still have its name.
    private void FindModel()
    {
        if (TextOf(record[RunRecord.Model]) is { } model && TextOf(record[RunRecord.ModelName]) is { } name && !File.Exists(model) && !Directory.Exists(model))
            Replace(model, name);
    }

    private void Replace(string recorded, string found)
    {
        for (var i = 0; i < arguments.Count; i++)
            arguments[i] = arguments[i].Replace(recorded, found, StringComparison.Ordinal);
    }

    // A name and no path, so that nothing is written elsewhere than the user says.
    private string? FileName(string part) => TextOf(record[part]) is { Length: > 0 } name && Path.GetFileName(name) == name && name is not ("." or "..") ? name : null;

    private static bool IsOption(string argument, string option) =>
        argument == option || argument.StartsWith(option + "=", StringComparison.Ordinal) || argument.StartsWith(option + ":", StringComparison.Ordinal);

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
