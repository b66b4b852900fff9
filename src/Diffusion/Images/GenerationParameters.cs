using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// How a picture was made, in the form that the web UI of AUTOMATIC1111 writes into pictures and most programs read: the prompt, a line
/// <c>Negative prompt: …</c>, and a last line of settings, <c>Steps: 50, Sampler: DDIM, CFG scale: 7.5, …</c>.
/// </summary>
/// <param name="Prompt">What the picture shows; may have several lines.</param>
/// <param name="Negative">What it should not show; empty for nothing.</param>
/// <param name="Settings">The settings in their order.</param>
internal sealed record GenerationParameters(string Prompt, string Negative, IReadOnlyList<KeyValuePair<string, string>> Settings)
{
    /// <summary>The keyword that such a text has in a PNG file.</summary>
    public const string Keyword = "parameters";

    private const string NegativeMark = "Negative prompt:";

    // Fewer could be the last line of a prompt with colons in it.
    private const int MinSettings = 3;

    // A name, a colon and a value, which is in quotes where it has commas. Files of any length and content come here, so it never goes back.
    private static readonly Regex Setting = new("""\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)""", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A setting; null where there is none of that name.</summary>
    public string? this[string name] => Settings.FirstOrDefault(setting => setting.Key == name).Value;

    /// <summary>The settings of a picture under the names that other programs know them by. What is null is left out.</summary>
    /// <param name="prompt">What the picture shows.</param>
    /// <param name="negative">What it should not show; empty for nothing.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="sampler">The sampler.</param>
    /// <param name="guidance">The guidance scale.</param>
    /// <param name="seed">The seed of its noise.</param>
    /// <param name="size">Its size in pixels.</param>
    /// <param name="model">What the user calls the model.</param>
    /// <param name="modelHash">The beginning of the model's hash.</param>
    /// <param name="clipSkip">How many of the text encoder's last layers are skipped; 0 for none.</param>
    /// <param name="editedFrom">The prompt of the picture that it was edited from.</param>
    /// <param name="program">The program that made it, and its version.</param>
    public static GenerationParameters Of(
        string prompt, string negative, int steps, SamplerKind sampler, double guidance, ulong? seed, PixelSize size, string? model = null, string? modelHash = null,
        int clipSkip = 0, string? editedFrom = null, string? program = null)
    {
        var settings = new (string Name, object? Value)[]
        {
            ("Steps", steps), ("Sampler", sampler.Label()), ("CFG scale", guidance), ("Seed", seed), ("Size", size), ("Model hash", modelHash), ("Model", model),
            // Others count the last layer as the first.
            ("Clip skip", clipSkip == 0 ? null : clipSkip + 1),
            ("Edited from", editedFrom), ("Version", program),
        };
        return new GenerationParameters(prompt, negative, [.. settings
            .Where(setting => setting.Value is not null)
            .Select(setting => KeyValuePair.Create(setting.Name, Convert.ToString(setting.Value, CultureInfo.InvariantCulture)!))]);
    }

    /// <summary>Reads such a text. A text in another form is all prompt.</summary>
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

    /// <summary>The text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Prompt);
        if (Negative.Length > 0)
            text.Append('\n').Append(NegativeMark).Append(' ').Append(Negative);
        return text.Append('\n').AppendJoin(", ", Settings.Select(setting => $"{setting.Key}: {Quoted(setting.Value)}")).ToString();
    }

    // In quotes where a reader would take a part of it for the next setting.
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
