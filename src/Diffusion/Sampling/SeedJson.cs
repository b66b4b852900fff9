using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// JSON converter for seeds. Like PyTorch's <c>manual_seed</c> it accepts integers from −2⁶³ to 2⁶⁴−1; a negative seed is the unsigned number
/// with the same 64 bits. Seeds are written as JSON numbers; they can also be read from strings, because JavaScript rounds numbers above 2⁵³.
/// </summary>
internal sealed class SeedJson : JsonConverter<ulong>
{
    /// <summary>The range of seeds, for messages.</summary>
    public const string Range = "a whole number from -9223372036854775808 to 18446744073709551615";

    private const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Parses a seed, independent of the locale.</summary>
    public static bool TryParse(string? text, out ulong seed)
    {
        if (ulong.TryParse(text, Style, CultureInfo.InvariantCulture, out seed))
            return true;
        var isNegative = long.TryParse(text, Style, CultureInfo.InvariantCulture, out var negative);
        seed = unchecked((ulong)negative);
        return isNegative;
    }

    /// <inheritdoc/>
    public override ulong Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out var seed) ? seed
        : reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var negative) ? unchecked((ulong)negative)
        : reader.TokenType == JsonTokenType.String && TryParse(reader.GetString(), out seed) ? seed
        : throw new JsonException($"A seed is {Range}.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ulong value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
