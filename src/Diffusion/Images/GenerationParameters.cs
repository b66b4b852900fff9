using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// The generation settings of an image in the format of AUTOMATIC1111's web UI, which most programs can read: the prompt, a line
/// <c>Negative prompt: …</c>, and a last line of settings, <c>Steps: 50, Sampler: DDIM, CFG scale: 7.5, …</c>.
/// </summary>
/// <param name="Prompt">The prompt; may have several lines.</param>
/// <param name="Negative">The negative prompt; empty for none.</param>
/// <param name="Settings">The settings in order.</param>
internal sealed record GenerationParameters(string Prompt, string Negative, IReadOnlyList<KeyValuePair<string, string>> Settings)
{
    /// <summary>The keyword of this text in a PNG file.</summary>
    public const string Keyword = "parameters";

    private const string NegativeMark = "Negative prompt:";

    // Fewer settings could be the last line of a prompt that contains colons.
    private const int MinSettings = 3;

    // A name, a colon and a value, quoted if it contains commas. The input may be any file, so the pattern does not backtrack.
    private static readonly Regex Setting = new("""\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)""", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The value of a setting; null if it is missing.</summary>
    public string? this[string name] => Settings.FirstOrDefault(setting => setting.Key == name).Value;

    /// <summary>Creates the settings of an image under the names used by other programs. Null values are left out.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="negative">The negative prompt; empty for none.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="sampler">The sampler as other programs name it, such as <c>DDIM</c>.</param>
    /// <param name="guidance">The guidance scale.</param>
    /// <param name="seed">The seed of the noise.</param>
    /// <param name="size">The image's size in pixels.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="modelHash">The start of the model's hash.</param>
    /// <param name="clipSkip">Number of skipped final text encoder layers; 0 for none.</param>
    /// <param name="editedFrom">The prompt of the source image of an edit.</param>
    /// <param name="program">The program and its version.</param>
    public static GenerationParameters Of(
        string prompt, string negative, int steps, string sampler, double guidance, ulong? seed, PixelSize size, string? model = null, string? modelHash = null,
        int clipSkip = 0, string? editedFrom = null, string? program = null)
    {
        var settings = new (string Name, object? Value)[]
        {
            ("Steps", steps), ("Sampler", sampler), ("CFG scale", guidance), ("Seed", seed), ("Size", size), ("Model hash", modelHash), ("Model", model),
            // Other programs count the last layer as 1.
            ("Clip skip", clipSkip == 0 ? null : clipSkip + 1),
            ("Edited from", editedFrom), ("Version", program),
        };
        return new GenerationParameters(prompt, negative, [.. settings
            .Where(setting => setting.Value is not null)
            .Select(setting => KeyValuePair.Create(setting.Name, Convert.ToString(setting.Value, CultureInfo.InvariantCulture)!))]);
    }

    /// <summary>Parses such a text. A text in another form becomes the prompt.</summary>
    public static GenerationParameters Parse(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Trim().Split('\n').ToList();
        var settings = Setting.Matches(lines[^1]).ToList();
        if (settings.Count < MinSettings)
            settings.Clear();
        else
            lines.RemoveAt(lines.Count - 1);
        var negative = lines.FindIndex(line => line.TrimStart().StartsWith(NegativeMark, StringComparison.Ordinal));
        var (shown, hidden) = negative < 0 ? (lines, []) : (lines[..negative], lines[negative..]);
        return new GenerationParameters(
            string.Join('\n', shown).Trim(),
            hidden.Count == 0 ? "" : string.Join('\n', hidden).TrimStart()[NegativeMark.Length..].Trim(),
            [.. settings.Select(setting => KeyValuePair.Create(setting.Groups[1].Value, Unquoted(setting.Groups[2].Value.Trim())))]);
    }

    /// <summary>Formats the settings.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Prompt);
        if (Negative.Length > 0)
            text.Append('\n').Append(NegativeMark).Append(' ').Append(Negative);
        return text.Append('\n').AppendJoin(", ", Settings.Select(setting => $"{setting.Key}: {Quoted(setting.Value)}")).ToString();
    }

    // Quoted if a part of it could be read as the next setting.
    private static string Quoted(string value) => value.AsSpan().ContainsAny(",:\n\"") ? JsonSerializer.Serialize(value, Readable) : value;

    private static string Unquoted(string value)
    {
        if (!value.StartsWith('"'))
            return value;
        try
        {
            return JsonSerializer.Deserialize<string>(value) ?? value;
        }
        catch (JsonException)
        {
            return value;
        }
    }
}
