using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Seeds as PyTorch's <c>manual_seed</c> takes them: whole numbers from −2⁶³ to 2⁶⁴−1, where a negative one is the number that has the same 64 bits. In JSON
/// they are numbers; since JavaScript rounds those above 2⁵³, they are also read as text.
/// </summary>
internal sealed class SeedJson : JsonConverter<ulong>
{
    /// <summary>What a seed may be, for messages.</summary>
    public const string Range = "a whole number from -9223372036854775808 to 18446744073709551615";

    private const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Reads a seed, whatever the locale.</summary>
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
