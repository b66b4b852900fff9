using System.Text;
using System.Text.Json;

namespace PromptToPrompt.Batch.Plans;

/// <summary>Reads plans in JSON Lines: an object in each line.</summary>
internal static class JsonLines
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines of a file that are not blank.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="fail">Makes an error of a line from its number, its field and the problem.</param>
    public static IEnumerable<PlanLine> Read(byte[] bytes, PlanError fail)
    {
        using var reader = new StreamReader(new MemoryStream(bytes), Strict);
        for (var number = 1; Next(number) is { } text; number++)
        {
            if (!string.IsNullOrWhiteSpace(text))
                yield return Parse(number, text, fail);
        }

        string? Next(int number)
        {
            try
            {
                return reader.ReadLine();
            }
            catch (DecoderFallbackException)
            {
                throw fail(number, null, "The file is not UTF-8. Save it as UTF-8.");
            }
        }
    }

    private static PlanLine Parse(int number, string text, PlanError fail)
    {
        try
        {
            using var line = JsonDocument.Parse(text);
            if (line.RootElement.ValueKind != JsonValueKind.Object)
                throw fail(number, null, "This is not a JSON object. Write one object in each line.");
            return new PlanLine(number, [.. line.RootElement.EnumerateObject().Where(field => field.Value.ValueKind != JsonValueKind.Null).Select(field => Field(number, field, fail))]);
        }
        catch (JsonException e)
        {
            throw fail(number, null, $"This is not valid JSON (byte {e.BytePositionInLine ?? 0}). Write one object in each line.");
        }
        catch (InvalidOperationException)
        {
            // A string with half of a surrogate pair.
            throw fail(number, null, "A text has characters that are not valid Unicode.");
        }
    }

    private static PlanField Field(int number, JsonProperty field, PlanError fail)
    {
        var several = field.Value.ValueKind == JsonValueKind.Array;
        JsonElement[] values = several ? [.. field.Value.EnumerateArray()] : [field.Value];
        return new PlanField(field.Name, [.. values.Select(Text)]);

        string Text(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => throw fail(number, field.Name, "Use a text, a number, or an array of them."),
        };
    }
}
