using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Storybook.World;

/// <summary>The words that prompts for the embedded model can use, as <c>words.json</c> offers them beside its weights.</summary>
public static class WordChoices
{
    /// <summary>Name of the file in the model's directory.</summary>
    public const string FileName = "words.json";

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly IReadOnlyList<IReadOnlyList<string>> Kinds =
    [
        [.. Enum.GetValues<Color>().Select(Lexicon.Adjective).Select(Plain)],
        [.. Scene.Subjects.SelectMany(Lexicon.Nouns).Select(Plain).Distinct()],
        [.. Enum.GetValues<Place>().SelectMany(place => Lexicon.Places(place, Subject.House)).Select(phrase => Plain(phrase).Split(' ')[^1]).Distinct()],
        [.. Lexicon.Times(TimeOfDay.Night).Concat(Lexicon.Times(TimeOfDay.Sunset)).Select(phrase => Plain(phrase).Split(' ')[^1]).Distinct()],
        [.. Enum.GetValues<Trait>().SelectMany(Lexicon.Adjectives).Select(Plain).Distinct()],
        [.. Enum.GetValues<Weather>().SelectMany(Lexicon.Adjectives).Select(Plain).Distinct()],
        [.. Enum.GetValues<Weather>().SelectMany(weather => Lexicon.Weathers(weather, TimeOfDay.Night)).Select(phrase => Plain(phrase).Split(' ')[^1]).Distinct()],
        ["photo", "picture", "painting", "illustration", "drawing", "watercolor", "sketch"],
    ];

    private static readonly string[] Endings =
    [
        "at night", "at sunset", "in the snow", "in the rain", "in the fog", "in autumn", "with a rainbow", "next to a tree", "and a flower",
    ];

    private static readonly string[] Beginnings = ["a watercolor of", "a children's drawing of", "a pencil sketch of", "a photo of"];

    /// <summary>The text of the file.</summary>
    public static string ToJson() => new JsonObject
    {
        ["words"] = Array(Vocabulary.Words),
        ["kinds"] = new JsonArray([.. Kinds.Select(Array)]),
        ["adjectives"] = Array([.. Kinds[0], .. Kinds[4]]),
        ["beginnings"] = Array(Beginnings),
        ["endings"] = Array(Endings),
    }.ToJsonString(Format) + "\n";

    /// <summary>Writes the file.</summary>
    /// <param name="directory">The model's directory.</param>
    public static void Write(string directory) => AtomicFile.WriteText(Path.Combine(directory, FileName), ToJson());

    private static JsonArray Array(IEnumerable<string> words) => new([.. words.Select(word => (JsonNode)word)]);

    private static string Plain(string phrase) => phrase.Replace("*", "", StringComparison.Ordinal);
}
