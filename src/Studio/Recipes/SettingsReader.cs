using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Studio.Drafts;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Reads the settings in a picture file: the records of the studio and the command, and the parameters of other programs.</summary>
/// <param name="models">Names of the models.</param>
/// <param name="hasPicture">Whether the store has a picture.</param>
/// <param name="lorasOf">The LoRAs of a model.</param>
internal sealed class SettingsReader(IReadOnlyList<string> models, Func<string, bool> hasPicture, Func<string, IReadOnlyList<Lora>> lorasOf)
{
    private const int MaxText = 2000;
    private const int MaxEdits = 4;

    // The page gets them in one message.
    private const int MaxTotal = 10_000;

    private const string NotFromNoise = "The settings in this file begin with a picture that the file does not contain, so they cannot be restored.";
    private const string Damaged = "The settings in this file are damaged or too long, so they cannot be restored.";

    // The command's other options that change pictures, with their defaults.
    private static readonly (string Name, string Default)[] OtherOptions =
    [
        ("align", "null"), ("self-resolution", "32"), ("self-unconditional", "false"), ("blend-subtract", "null"), ("blend-start", "0.2"), ("mask", "null"), ("feather", "null"), ("edit-seed", "null"), ("spacing", "\"auto\""), ("steps-offset", "null"),
        ("original-size", "null"), ("crop", "null"), ("target-size", "null"), ("init-latents", "null"), ("vae", "null"), ("prediction", "\"auto\""), ("lora", "[]"), ("embedding", "[]"),
    ];

    private readonly List<string> ignored = [];

    /// <summary>The settings in the text chunks of a PNG file, or in the EXIF block of a JPEG or WebP file; null if it contains none.</summary>
    /// <param name="file">The file; can be read twice.</param>
    /// <param name="models">Names of the models.</param>
    /// <param name="hasPicture">Whether the store has a picture.</param>
    /// <param name="lorasOf">The LoRAs of a model.</param>
    public static FoundSettings? Read(Stream file, IReadOnlyList<string> models, Func<string, bool> hasPicture, Func<string, IReadOnlyList<Lora>> lorasOf)
    {
        var start = file.Position;
        var texts = PngText.ReadAll(file, out var isPartial);
        if (texts.Count == 0)
        {
            file.Position = start;
            texts = ExifText.ReadAll(file);
        }

        return new SettingsReader(models, hasPicture, lorasOf).Read(texts) ?? (isPartial ? FoundSettings.Unusable(Damaged) : null);
    }

    private FoundSettings? Read(IReadOnlyList<PngText> texts)
    {
        var parameters = Find(GenerationParameters.Keyword) is { } text ? GenerationParameters.Parse(text) : null;
        try
        {
            if (Find(PngText.RecordKeyword) is { } record)
            {
                var parts = JsonNode.Parse(record, documentOptions: new() { AllowDuplicateProperties = false }) as JsonObject ?? throw new JsonException();
                if (parts["recipes"] is JsonArray recipes)
                    return Checked(OfStudio(recipes));
                if (parameters is not null && parts["options"] is JsonObject options)
                    return Checked(OfCommand(options, parameters));
            }

            if (parameters is not null)
                return Checked(OfParameters(parameters));
            // Some programs have a plain prompt under this keyword.
            return Find(ComfyGraph.Keyword) is { } nodes && nodes.TrimStart().StartsWith('{') ? Checked(OfComfy(ComfyGraph.Parse(nodes) ?? throw new JsonException())) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            return FoundSettings.Unusable(Damaged);
        }

        string? Find(string keyword) => texts.FirstOrDefault(found => found.Keyword == keyword).Text;
    }

    private static FoundSettings Checked(FoundSettings found) =>
        found.Edits.Select(edit => edit.Prompt).Append(found.Source?.Prompt ?? "").Append(found.Source?.Negative ?? "").Any(text => text.Length > MaxText) || StudioJson.Write(found).Length > MaxTotal ? FoundSettings.Unusable(Damaged)
        : found.Problem is null && string.IsNullOrWhiteSpace(found.Prompt) ? FoundSettings.Unusable("The settings in this file have no prompt, so they cannot be restored.")
        : found;

    private FoundSettings OfStudio(JsonArray recipes)
    {
        var chain = recipes.Select(part => Recipe(part?["recipe"] as JsonObject ?? throw new JsonException())).ToList();
        if (chain.FirstOrDefault() is not DrawnRecipe source)
            return FoundSettings.Unusable(NotFromNoise);
        var edits = chain.Skip(1).OfType<EditedRecipe>().Select(edit => edit with { Source = "" }).ToList();
        if (edits.Count != chain.Count - 1 || edits.Count > MaxEdits)
            return FoundSettings.Unusable($"This picture is the result of more than {MaxEdits} edits in a row, or of inpainting. Its settings cannot be restored.");
        source = source with { Model = Model(source.Model) };
        if (source.Loras is { } loras && LoraWeights.IfKnown(loras, lorasOf(source.Model)) is null)
        {
            Ignore($"LoRAs {loras}");
            source = source with { Loras = null };
        }

        return new(source, [.. edits.Select(WithKnownMask)], ignored, null);
    }

    // Fields of a later version are left out.
    private Recipe Recipe(JsonObject json)
    {
        var type = (string?)json["type"] switch
        {
            "drawn" => typeof(DrawnRecipe),
            "edited" => typeof(EditedRecipe),
            _ => null,
        };
        if (type is not null)
        {
            var known = StudioJson.Options.GetTypeInfo(type).Properties.Select(field => field.Name).Append("type").ToHashSet(StringComparer.Ordinal);
            foreach (var name in json.Select(field => field.Key).Where(name => !known.Contains(name)).ToList())
            {
                json.Remove(name);
                Ignore(name);
            }
        }

        return json.Deserialize<Recipe>(StudioJson.Options) ?? throw new JsonException();
    }

    private EditedRecipe WithKnownMask(EditedRecipe edit)
    {
        if (edit.Mask is not { } mask || hasPicture(mask))
            return edit;
        Ignore("mask");
        return edit with { Mask = null, Feather = null };
    }

    private FoundSettings OfCommand(JsonObject options, GenerationParameters parameters)
    {
        if (options["image"] is not null || options["inversion"] is not null)
            return FoundSettings.Unusable(NotFromNoise);
        foreach (var (name, usual) in OtherOptions)
        {
            if (options.ContainsKey(name) && (options[name]?.ToJsonString() ?? "null") != usual)
                Ignore(name);
        }

        var found = OfParameters(parameters);
        var source = found.Source! with
        {
            GuidanceRescale = (double?)options["guidance-rescale"] ?? 0,
            LongPrompts = (bool?)options["long-prompts"] ?? false,
            Size = (string?)options["size"],
        };
        return found with { Source = source, Edits = [.. found.Edits.Select(edit => WithOptions(edit, source.Prompt, options))] };
    }

    private static EditedRecipe WithOptions(EditedRecipe edit, string source, JsonObject options)
    {
        var windows = Texts(options["cross-steps"]);
        var words = windows.Where(window => window.Contains('=', StringComparison.Ordinal)).Select(window => window.Split('=', 2)).ToList();
        var draft = Draft.Of(source, edit);
        // Without an image there is no inversion, so the name is that of an editing method.
        var method = (string?)options["method"] is { } name && name != MethodFields.PromptToPrompt && EditMethod.Names.Contains(name) ? name : null;
        foreach (var weight in Texts(options["weight"]).Select(text => text.Split('=', 2)).Where(parts => parts.Length == 2))
        {
            for (var k = 0; k < draft.Words.Count; k++)
            {
                if (draft.Words[k].Text is { } text && Draft.Bare(text) == weight[0])
                    draft = draft.Weigh(k, double.Parse(weight[1], CultureInfo.InvariantCulture));
            }
        }

        return edit with
        {
            Prompt = options["weight"] is null ? edit.Prompt : draft.Prompt,
            Kind = (string?)options["kind"] ?? edit.Kind,
            CrossSteps = windows.LastOrDefault(window => !window.Contains('=', StringComparison.Ordinal)) ?? edit.CrossSteps,
            WordSteps = words.GroupBy(parts => parts[0]).ToDictionary(group => group.Key, group => group.Last()[1]),
            SelfSteps = options["self-steps"]?.ToString() ?? edit.SelfSteps,
            Method = method,
            ShareStart = Number(nameof(edit.ShareStart), new MasaCtrl().Name),
            ShareLayer = (int?)Number(nameof(edit.ShareLayer), new MasaCtrl().Name),
            Subject = method is null ? null : (string?)options[MethodFields.OptionOf(nameof(edit.Subject))],
            SubjectThreshold = Number(nameof(edit.SubjectThreshold), new MasaCtrl().Name),
            AttentionSteps = Number(nameof(edit.AttentionSteps), new PlugAndPlay().Name),
            FeatureSteps = Number(nameof(edit.FeatureSteps), new PlugAndPlay().Name),
            Blend = options["blend"]?.ToString() ?? "",
            BlendThreshold = (double?)options["blend-threshold"] ?? edit.BlendThreshold,
        };

        double? Number(string field, string owner) => method == owner ? (double?)options[MethodFields.OptionOf(field)] : null;
    }

    private static IReadOnlyList<string> Texts(JsonNode? node) => node switch
    {
        JsonArray array => [.. array.Select(item => item!.ToString())],
        null => [],
        _ => [node.ToString()],
    };

    private FoundSettings OfParameters(GenerationParameters parameters)
    {
        var isOwn = parameters["Version"]?.StartsWith("p2p", StringComparison.Ordinal) == true;
        var source = new DrawnRecipe { Prompt = parameters["Edited from"] ?? parameters.Prompt, Negative = parameters.Negative };
        foreach (var (name, value) in parameters.Settings)
        {
            source = name switch
            {
                "Steps" when int.TryParse(value, CultureInfo.InvariantCulture, out var steps) => source with { Steps = steps },
                "CFG scale" when double.TryParse(value, CultureInfo.InvariantCulture, out var guidance) => source with { Guidance = guidance },
                "Seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var seed) => source with { Seed = seed },
                // Other programs count the last layer as 1.
                "Clip skip" when int.TryParse(value, CultureInfo.InvariantCulture, out var skip) && skip > 0 => source with { ClipSkip = skip - 1 },
                "Sampler" when Scheduler(value) is { } scheduler => source with { Scheduler = scheduler },
                "Model" => source with { Model = Model(value) },
                "Edited from" or "Version" or "Model hash" => source,
                "Size" when isOwn => source,
                "Size" when DrawnRecipe.IsSize(value) => source with { Size = value },
                _ => Ignoring(source, $"{name} {value}"),
            };
        }

        IReadOnlyList<EditedRecipe> edits = parameters["Edited from"] is null ? [] : [new EditedRecipe { Source = "", Prompt = parameters.Prompt }];
        return new(source, edits, ignored, null);
    }

    // Of several samplers, the first one's settings are restored.
    private FoundSettings OfComfy(ComfyGraph graph)
    {
        // An image-to-image run denoises a picture in part.
        if (graph.Settings.Where(setting => setting.Key == "denoise").ToList() is { Count: > 0 } denoised && !denoised.Exists(setting => Number(setting.Value) == 1))
            return FoundSettings.Unusable(NotFromNoise);
        var source = new DrawnRecipe { Prompt = graph.Prompts.Count > 0 ? graph.Prompts[0] : "", Negative = graph.Negatives.Count > 0 ? graph.Negatives[0] : "", Model = models[0] };
        var sides = graph.Size is { } size && DrawnRecipe.IsSize($"{size}") ? graph.Size : null;
        if (sides is not null)
            source = source with { Size = $"{sides}" };
        foreach (var other in graph.Prompts.Skip(1))
            Ignore($"prompt {other}");
        foreach (var other in graph.Negatives.Skip(1))
            Ignore($"negative prompt {other}");
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in graph.Settings)
        {
            var kind = name == "noise_seed" ? "seed" : name;
            source = kind switch
            {
                "steps" when int.TryParse(value, CultureInfo.InvariantCulture, out var steps) && known.Add(kind) => source with { Steps = steps },
                "cfg" when Number(value) is { } guidance && known.Add(kind) => source with { Guidance = guidance },
                "seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var seed) && known.Add(kind) => source with { Seed = seed },
                "sampler_name" when ComfySampler(value) is { } scheduler && known.Add(kind) => source with { Scheduler = scheduler.Name() },
                "ckpt_name" when known.Add(kind) => source with { Model = Model(Path.GetFileNameWithoutExtension(value)) },
                // The usual schedule, and a picture from noise.
                "scheduler" when value == "normal" => source,
                "denoise" when Number(value) == 1 => source,
                ComfyGraph.Width when Number(value) == sides?.Width => source,
                ComfyGraph.Height when Number(value) == sides?.Height => source,
                _ => Ignoring(source, $"{name} {value}"),
            };
        }

        foreach (var missing in new[] { "seed", "steps", "cfg", "sampler_name" }.Where(name => !known.Contains(name) && !graph.Settings.Any(setting => setting.Key == name)))
            Ignore($"{missing}, which another node computes");
        return new(source, [], ignored, null);
    }

    private static double? Number(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static SchedulerKind? ComfySampler(string name) => name switch
    {
        "ddim" => SchedulerKind.Ddim,
        "euler" => SchedulerKind.Euler,
        "euler_ancestral" => SchedulerKind.EulerAncestral,
        "dpmpp_2m" => SchedulerKind.DpmSolverPlusPlus,
        "lcm" => SchedulerKind.Lcm,
        _ => null,
    };

    private static string? Scheduler(string sampler) => Schedulers.All.FirstOrDefault(name => sampler.Equals(Schedulers.Parse(name).Label(), StringComparison.OrdinalIgnoreCase));

    // Another model gives another picture, but the settings may still be wanted.
    private string Model(string name)
    {
        if (models.FirstOrDefault(model => model == name || Path.GetFileNameWithoutExtension(model) == name) is { } known)
            return known;
        Ignore($"model {name}");
        return models[0];
    }

    private DrawnRecipe Ignoring(DrawnRecipe recipe, string what)
    {
        Ignore(what);
        return recipe;
    }

    // The file decides the names, so their number and length are bounded.
    private void Ignore(string what)
    {
        const int Many = 20, Long = 60;
        var text = what.Length <= Long ? what : $"{what[..Long]}…";
        if (ignored.Count < Many && !ignored.Contains(text))
            ignored.Add(text);
    }
}
