using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Batch.Plans;

/// <summary>Makes items of lines.</summary>
/// <param name="folder">The plan's folder.</param>
/// <param name="fail">Makes an error.</param>
internal sealed class PlanReader(string folder, PlanError fail)
{
    /// <summary>Largest number of samples of an item: keys have three digits for it.</summary>
    public const int MaxSamples = 1000;

    // The first name of each is the project's; published data sets use the others.
    private static readonly string[] Sources = ["source", "caption", "input"];
    private static readonly string[] Targets = ["target", "output"];
    private static readonly string[] Instructions = ["edit", "instruction"];

    // InstructPix2Pix's prompts may have the url of the image that a caption is from; it is not read.
    private static readonly string[] Others = ["image", "seed", "samples", "id", "url"];

    /// <summary>Reads a line.</summary>
    /// <param name="index">Number of the item.</param>
    /// <param name="line">The line.</param>
    /// <exception cref="InvalidInputException">A field is missing, unknown or invalid.</exception>
    public PlanItem Read(int index, PlanLine line)
    {
        var settings = SettingValues.None;
        foreach (var field in line.Fields.Where(field => !IsOwn(field.Name)))
            settings = settings.Has(field.Name) ? throw Twice(line, field.Name) : settings.With(field.Name, Setting(line, field));
        var source = Single(line, Sources) ?? throw fail(line.Number, Sources[0], "The source prompt is missing.");
        var targets = Several(line, Targets);
        if (targets.Count == 0)
            throw fail(line.Number, Targets[0], "The target prompt is missing. Give a text or an array of texts.");
        var instructions = Several(line, Instructions);
        if (instructions.Count > 0 && instructions.Count != targets.Count)
            throw fail(line.Number, Instructions[0], $"Instructions: {instructions.Count}, targets: {targets.Count}. Give one for each target, or none.");
        var (image, id) = (Single(line, "image"), Single(line, "id"));
        return new PlanItem
        {
            Index = index,
            Line = line.Number,
            Id = id,
            Source = source,
            Targets = targets,
            Instructions = instructions,
            Image = image,
            ImagePath = image is null ? null : PathOf(line, image, settings),
            Seed = Single(line, "seed") is { } seed ? Seed(line, seed) : null,
            Samples = Single(line, "samples") is { } samples ? Samples(line, samples) : null,
            Settings = settings,
            Content = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new object?[] { id, source, targets, instructions, image }))),
        };
    }

    private static bool IsOwn(string name) => Sources.Concat(Targets).Concat(Instructions).Concat(Others).Contains(name);

    private string Setting(PlanLine line, PlanField field)
    {
        var setting = BatchSettings.Find(field.Name) ?? throw fail(
            line.Number, field.Name, $"There is no such field. {Suggestion.Question(field.Name, [.. Sources, .. Targets, .. Instructions, .. Others, .. BatchSettings.All.Select(known => known.Name)])}Use source, target, edit, image, seed, samples, id, or a setting: {string.Join(", ", BatchSettings.All.Select(known => known.Name))}.");
        var isNumber = setting.Form is SettingForm.Number or SettingForm.WholeNumber;
        var text = field.Values switch
        {
            [var only] => only,
            [var min, var max] when isNumber => NumberRange.Write(min, max),
            { Count: > 0 } words when setting.Form == SettingForm.Words => string.Join(',', words),
            _ => throw fail(line.Number, field.Name, isNumber ? "Use a number, or an array of the smallest and the largest." : "Use a single value."),
        };
        try
        {
            setting.Check(text);
        }
        catch (InvalidInputException e)
        {
            throw fail(line.Number, field.Name, e.Text);
        }

        return text;
    }

    private string PathOf(PlanLine line, string image, SettingValues settings)
    {
        var path = Path.GetFullPath(image, folder);
        if (settings.Has(BatchSettings.Scheduler))
            throw fail(line.Number, BatchSettings.Scheduler, "Given images are edited with ddim. Leave it out.");
        return path;
    }

    private ulong Seed(PlanLine line, string text) => SeedJson.TryParse(text, out var seed) ? seed : throw fail(line.Number, "seed", $"\"{text}\" is not valid. Use {SeedJson.Range}.");

    private int Samples(PlanLine line, string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var samples) && samples is >= 1 and <= MaxSamples
        ? samples : throw fail(line.Number, "samples", $"\"{text}\" is not valid. Use a whole number from 1 to {MaxSamples}.");

    private string? Single(PlanLine line, params string[] names) => Several(line, names) switch
    {
        [] => null,
        [var only] => only,
        _ => throw fail(line.Number, names[0], "Use a single value."),
    };

    // The values of a field. In CSV, several columns of one name are an array.
    private IReadOnlyList<string> Several(PlanLine line, string[] names)
    {
        var given = line.Fields.Where(field => names.Contains(field.Name)).ToList();
        if (given.Select(field => field.Name).Distinct().Count() > 1)
            throw fail(line.Number, given[1].Name, $"\"{given[0].Name}\" is the same field. Give one of them.");
        return [.. given.SelectMany(field => field.Values)];
    }

    private InvalidInputException Twice(PlanLine line, string name) => fail(line.Number, name, "The field is given twice.");
}
