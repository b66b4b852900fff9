using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Api;

/// <summary>The JSON object in a request's body. Unlike those of the framework's own binding, its errors name the JSON field and no .NET type.</summary>
/// <param name="Value">The object.</param>
internal sealed record JsonBody<T>(T Value) : IEndpointParameterMetadataProvider
    where T : class
{
    private const int LongestShown = 60;

    private static readonly IReadOnlyList<JsonPropertyInfo> Fields = [.. StudioJson.Options.GetTypeInfo(typeof(T)).Properties.Where(field => field.Set is not null)];

    /// <summary>Reads the body. The framework finds this method by its name.</summary>
    /// <exception cref="InvalidInputException">It is not a JSON object with the fields of <typeparamref name="T"/>.</exception>
    public static async ValueTask<JsonBody<T>> BindAsync(HttpContext context)
    {
        var request = context.Request;
        if (!request.HasJsonContentType())
            throw new BadHttpRequestException("The body is not JSON.", StatusCodes.Status415UnsupportedMediaType);
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        return new(Read(body.GetBuffer().AsMemory(0, (int)body.Length)));
    }

    /// <summary>Describes the body in the OpenAPI document.</summary>
    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) => builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));

    private static T Read(ReadOnlyMemory<byte> body)
    {
        if (!Utf8.IsValid(body.Span))
            throw new InvalidInputException("The JSON is not valid UTF-8. Encode it as UTF-8.");
        using var document = Parse(body);
        if (document is not { RootElement: { ValueKind: JsonValueKind.Object } given })
            throw new InvalidInputException($"The request has no JSON object. Send one with at least these fields: {Names(Fields.Where(field => field.IsRequired))}.");
        var names = NamesIn(given);
        if (names.FirstOrDefault(name => Find(name) is null) is { } unknown)
            throw new InvalidInputException(Short(unknown), "There is no such field.", $"{Suggestion.Question(unknown, Fields.Select(field => field.Name))}Use some of these: {Names(Fields)}.");
        if (Fields.FirstOrDefault(field => field.IsRequired && !names.Contains(field.Name)) is { } missing)
            throw new InvalidInputException(missing.Name, "It is missing.", "Add it.");
        try
        {
            return given.Deserialize<T>(StudioJson.Options)!;
        }
        catch (JsonException e) when (e.Path?.Split('.', '[') is ["$", var name, ..] && Find(name) is { } field)
        {
            throw Misfit(field, given.GetProperty(name), e);
        }
    }

    private static HashSet<string> NamesIn(JsonElement given)
    {
        try
        {
            return given.EnumerateObject().Select(field => field.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        }
        catch (InvalidOperationException e)
        {
            // Half of a surrogate pair.
            throw new InvalidInputException($"The name of a field is not valid Unicode. Use some of these: {Names(Fields)}.", e);
        }
    }

    // Null for an empty body.
    private static JsonDocument? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return body.Span.Trim(" \t\r\n"u8).IsEmpty ? null : JsonDocument.Parse(body);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException($"The JSON is invalid in line {e.LineNumber + 1} at byte {e.BytePositionInLine + 1}. Correct it.", e);
        }
    }

    private static JsonPropertyInfo? Find(string name) => Fields.FirstOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static string Names(IEnumerable<JsonPropertyInfo> fields) => string.Join(", ", fields.Select(field => field.Name));

    private static InvalidInputException Misfit(JsonPropertyInfo field, JsonElement value, JsonException cause)
    {
        var type = Nullable.GetUnderlyingType(field.PropertyType) ?? field.PropertyType;
        var text = value.GetRawText();
        if (type == typeof(int) && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            return new(field.Name, $"{Short(text)} is out of range.", "Use a smaller number.", cause);
        var kind = type == typeof(ulong) ? SeedJson.Range
            : type == typeof(int) ? "a whole number"
            : type == typeof(double) ? "a number"
            : type == typeof(bool) ? "true or false"
            : type == typeof(string) ? "text"
            : type == typeof(IReadOnlyList<string>) ? "a list of texts"
            : "an object of texts";
        return new(field.Name, $"{Short(text)} is not {kind}.", null, cause);
    }

    private static string Short(string text) => text.Length <= LongestShown ? text : $"{text[..LongestShown]}…";
}
