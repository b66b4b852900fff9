using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// What a ComfyUI graph says without being run: nodes by id, each with a class and inputs, which are values or links to other nodes. Prompts are
/// the texts that a sampler's input leads to.
/// </summary>
/// <param name="Prompts">Prompts that the samplers are conditioned on.</param>
/// <param name="Negatives">Negative prompts.</param>
/// <param name="Settings">Numbers and names of the samplers and loaders, in their order.</param>
/// <param name="Size">Size of the noise that the first sampler begins with; null if the graph does not say it.</param>
internal sealed record ComfyGraph(IReadOnlyList<string> Prompts, IReadOnlyList<string> Negatives, IReadOnlyList<KeyValuePair<string, string>> Settings, PixelSize? Size)
{
    /// <summary>The keyword of the graph that was run.</summary>
    public const string Keyword = "prompt";

    /// <summary>The keyword of the graph as its editor shows it.</summary>
    public const string Workflow = "workflow";

    /// <summary>Names of the sides of the noise.</summary>
    public const string Width = "width", Height = "height";

    private const string Positive = "positive", Negative = "negative", Latent = "latent_image", Samples = "samples", ClassType = "class_type", Inputs = "inputs";
    private const int MaxDepth = 16;

    // Of graphs that people draw. A larger one could take minutes to follow.
    private const int MaxNodes = 2000;

    private static readonly string[] Known =
        ["ckpt_name", "unet_name", "lora_name", "steps", "cfg", "sampler_name", "scheduler", "seed", "noise_seed", "denoise", Width, Height];

    // Of nodes that make noise or change its size.
    private static readonly (string Width, string Height)[] Sides = [(Width, Height), ("empty_latent_width", "empty_latent_height")];

    /// <summary>Parses a graph; null if the text is not one.</summary>
    public static ComfyGraph? Parse(string text)
    {
        if (Read(text) is not { } graph)
            return null;
        var nodes = graph.Where(node => node.Value is JsonObject { } value && value[ClassType] is not null && value[Inputs] is JsonObject)
            .ToDictionary(node => node.Key, node => (JsonObject)node.Value![Inputs]!, StringComparer.Ordinal);
        if (nodes.Count is 0 or > MaxNodes)
            return null;
        // A sampler that begins with noise comes first, whatever the order in the file: later ones refine its picture.
        List<JsonObject> ordered = [.. nodes.Values.OrderBy(inputs => inputs[Positive] is null ? 2 : inputs["denoise"] is JsonValue denoise && denoise.ToString() is not ("1" or "1.0") ? 1 : 0)];
        return new ComfyGraph(Of(Positive), Of(Negative), [.. Known.SelectMany(name => ordered.Select(inputs => inputs[name]).OfType<JsonValue>()
            .Select(value => value.ToString()).Distinct().Select(value => KeyValuePair.Create(name, value)))], ordered.Find(inputs => inputs[Latent] is JsonArray) is { } sampler ? SizeOf(nodes, sampler[Latent], 0) : null);

        string[] Of(string side) => [.. ordered.SelectMany(inputs => Texts(nodes, inputs[side], side, [], 0)).Distinct()];
    }

    // Follows a link to texts, through nodes that pass conditioning on.
    private static IEnumerable<string> Texts(Dictionary<string, JsonObject> nodes, JsonNode? link, string side, HashSet<string> seen, int depth)
    {
        if (depth > MaxDepth || Target(nodes, link) is not { } inputs || !seen.Add(link![0]!.ToString()))
            return [];
        var texts = inputs.Where(input => IsText(input.Key)).Select(input => input.Value).OfType<JsonValue>()
            .Select(value => value.ToString()).Where(text => text.Trim().Length > 0).ToList();
        if (texts.Count > 0)
            return texts;
        // A node with both inputs passes each on separately.
        return inputs[side] is JsonArray own ? Texts(nodes, own, side, seen, depth + 1)
            : inputs.Where(input => IsText(input.Key) || input.Key.StartsWith("conditioning", StringComparison.Ordinal))
                .SelectMany(input => Texts(nodes, input.Value, side, seen, depth + 1));
    }

    // Follows a link to the node that decides on the size, through nodes that pass latents on.
    private static PixelSize? SizeOf(Dictionary<string, JsonObject> nodes, JsonNode? link, int depth)
    {
        if (depth > MaxDepth || Target(nodes, link) is not { } inputs)
            return null;
        foreach (var (width, height) in Sides)
        {
            if (Number(nodes, inputs[width]) is { } across && Number(nodes, inputs[height]) is { } down)
                return new(across, down);
        }

        // A node that enlarges by a factor gives another size.
        return inputs["scale_by"] is null ? SizeOf(nodes, inputs[Samples] ?? inputs[Latent], depth + 1) : null;
    }

    // A number, or a link to a node that is one.
    private static int? Number(Dictionary<string, JsonObject> nodes, JsonNode? value) =>
        ((value is JsonArray ? Target(nodes, value)?["value"] : value) as JsonValue)?.ToString() is { } text && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static JsonObject? Target(Dictionary<string, JsonObject> nodes, JsonNode? link) =>
        link is JsonArray { Count: > 0 } target && target[0] is { } id ? nodes.GetValueOrDefault(id.ToString()) : null;

    private static bool IsText(string name) =>
        name.StartsWith("text", StringComparison.Ordinal) || name.StartsWith("string", StringComparison.Ordinal) || name is "value" or "prompt";

    // Python writes NaN and Infinity, which JSON does not have.
    private static JsonObject? Read(string text) => StudioJson.ReadObject(text) ?? StudioJson.ReadObject(text.Replace("NaN", "null", StringComparison.Ordinal));
}
