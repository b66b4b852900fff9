using System.Globalization;
using System.Text;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The <c>p2p</c> commands that make a picture of the studio outside it.</summary>
internal sealed class CommandLineText
{
    private const string Uploaded = "picture.png", Inversion = "inversion.safetensors", Mask = "mask.png";

    private readonly Func<string, PictureVersion> find;
    private readonly Func<string, IReadOnlyList<string>, IReadOnlyList<string>>? arguments;
    private IReadOnlyList<string> prompts = [];

    private CommandLineText(Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>, IReadOnlyList<string>>? arguments)
    {
        this.find = find;
        this.arguments = arguments;
    }

    /// <summary>The commands, one per line. The studio serves their input files under the names they use.</summary>
    /// <param name="version">The picture.</param>
    /// <param name="find">Finds a version by id.</param>
    /// <param name="arguments">Returns the command-line options of a model for some prompts; see <see cref="Engine.ModelCatalog.ArgumentsOf"/>.</param>
    public static string Of(PictureVersion version, Func<string, PictureVersion> find, Func<string, IReadOnlyList<string>, IReadOnlyList<string>>? arguments = null) =>
        new CommandLineText(find, arguments).Of(version);

    /// <summary>The words of one of these commands, as a shell parses them.</summary>
    public static IReadOnlyList<string> Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var (isQuoted, isWord) = (false, false);
        for (var i = 0; i < command.Length; i++)
        {
            if (command[i] == ' ' && !isQuoted)
            {
                if (isWord)
                    words.Add(word.ToString());
                word.Clear();
                isWord = false;
                continue;
            }

            isWord = true;
            if (command[i] == '"')
                isQuoted = !isQuoted;
            else
                word.Append(command[i] == '\\' ? command[++i] : command[i]);
        }

        return isWord ? [.. words, word.ToString()] : words;
    }

    /// <summary>The options of what was added to a model in the studio. The LoRAs are left out of the commands of recipes that give them no weight.</summary>
    public static IEnumerable<string> Additions(IEnumerable<Lora> loras, IEnumerable<TextEmbedding> words) =>
        [.. loras.SelectMany(lora => new[] { "--lora", $"{lora.Path}:0" }), .. words.SelectMany(word => new[] { "--embedding", $"{word.Word}={word.Path}" })];

    private string Of(PictureVersion version)
    {
        prompts = [.. prompts, .. version.Recipe.Texts, .. version.Recipe is EditedRecipe made ? find(made.Source).Recipe.Texts : []];
        return CommandOf(version);
    }

    private string CommandOf(PictureVersion version) => version.Recipe switch
    {
        DrawnRecipe drawn => Line("generate", Quoted(drawn.Prompt), Sampling(drawn)),
        InvertedRecipe inverted => Line("invert", Uploaded, Quoted(inverted.Prompt), Inverting(inverted), $"-o {Inversion}"),
        InpaintedRecipe filled => Line(
            "inpaint", Uploaded, Mask, Quoted(filled.Prompt), Model(filled), $"--seed {filled.Seed}", $"--steps {filled.Steps}", Number("guidance", filled.Guidance),
            filled.Strength == 1 ? "" : Number("strength", filled.Strength), Feather(filled.Feather), Negative(filled.Negative), Reading(filled)),
        EditedRecipe edited => Edit(edited, find(edited.Source)),
        _ => throw new ArgumentOutOfRangeException(nameof(version)),
    };

    private string Edit(EditedRecipe edit, PictureVersion source)
    {
        var settings = string.Join(' ', EditOptions(edit).Where(option => option.Length > 0));
        var options = Join(edit.Method is { } method ? $"--method {Value(method)}" : "", settings);
        return source.Recipe switch
        {
            DrawnRecipe drawn => Line("edit", Quoted(drawn.Prompt), Quoted(edit.Prompt), Sampling(drawn), options),
            // An inversion has as many chunks as its own prompt needs; inverted as part of the edit, it has as many as the edit needs.
            InvertedRecipe { LongPrompts: true } inverted =>
                Line("edit", $"--image {Uploaded}", Quoted(inverted.Prompt), Quoted(edit.Prompt), Inverting(inverted, edit.Method), settings),
            InvertedRecipe => $"{Of(source)}\n{Line("edit", $"--inversion {Inversion}", Quoted(edit.Prompt), Model(source.Recipe.Root(find)), options)}",
            // The trajectory of an edited picture is in a file of the same format.
            _ => Line("edit", $"--inversion {Inversion}", Quoted(edit.Prompt), Model(source.Recipe.Root(find)), options),
        };
    }

    private static IEnumerable<string> EditOptions(EditedRecipe edit) =>
    [
        edit.Kind == EditedRecipe.DefaultKind ? "" : $"--kind {Value(edit.Kind)}",
        edit.CrossSteps == EditedRecipe.DefaultCrossSteps && edit.WordSteps.Count == 0 ? "" : $"--cross-steps {Value(edit.CrossSteps)}",
        .. edit.WordSteps.Select(word => $"--cross-steps {Quoted($"{word.Key}={word.Value}")}"),
        edit.SelfSteps == EditedRecipe.DefaultSelfSteps ? "" : $"--self-steps {Value(edit.SelfSteps)}",
        // A value that begins with - would be read as an option.
        .. MethodFields.Options(edit).Select(option => $"--{option.Name}{(option.Value.StartsWith('-') ? '=' : ' ')}{Value(option.Value)}"),
        edit.Blend.Length == 0 ? "" : $"--blend {Quoted(edit.Blend)}",
        edit.Blend.Length == 0 || edit.BlendThreshold == EditRequest.DefaultBlendThreshold ? "" : Number("blend-threshold", edit.BlendThreshold),
        edit.Mask is null ? "" : $"--mask {Mask}",
        Feather(edit.Feather),
    ];

    private string Sampling(DrawnRecipe drawn) => Join(
        Model(drawn), $"--seed {drawn.Seed}", $"--steps {drawn.Steps}", Number("guidance", drawn.Guidance), $"--scheduler {Value(drawn.Scheduler)}", Negative(drawn.Negative),
        Reading(drawn));

    private string Inverting(InvertedRecipe recipe, string? editing = null) => Join(
        Model(recipe), $"--method {Value(recipe.Method)}{(editing is null ? "" : $"+{Value(editing)}")}", $"--steps {recipe.Steps}", Number("guidance", recipe.Guidance),
        recipe.Method == "null-text" ? $"--inner-steps {recipe.InnerSteps}" : "", Noise(recipe, editing), Guidance(recipe, editing), recipe.Frame == "crop" ? "" : $"--frame {Value(recipe.Frame)}",
        Reading(recipe));

    // All of them with a shift or concepts, because the command's defaults depend on the editing method.
    private static string Noise(InvertedRecipe recipe, string? editing) => recipe.Inversion().Method is not EditFriendlyInversion method ? "" : Join(
        recipe.NoiseShift is null && recipe.Skip is null && !IsOfConcepts(editing) ? "" : Number("skip", method.Skip),
        recipe.NoiseShift is null ? "" : Number("noise-shift", method.NoiseShift),
        method.NoiseLimit is { } limit ? Number("noise-limit", limit) : "");

    private static string Guidance(InvertedRecipe recipe, string? editing) =>
        recipe.InversionGuidance is { } given ? Number("inversion-guidance", given)
        : IsOfConcepts(editing) && recipe.Inversion() is { Method: EditFriendlyInversion method } settings ? Number("inversion-guidance", method.GuidanceOf(settings))
        : "";

    private static bool IsOfConcepts(string? editing) => editing == new LeditsPlusPlus().Name;

    private string Model(RootRecipe root) => Join(
        root.Model == "storybook" ? "" : $"--model {Quoted(root.Model)}",
        Join(WithWeights(arguments?.Invoke(root.Model, prompts) ?? [], root.Loras).Select(part => part.StartsWith("--", StringComparison.Ordinal) ? Value(part) : Quoted(part))));

    // The options of a model, with the weights that its LoRAs have in this recipe. Those with the weight 0 are left out.
    private static IEnumerable<string> WithWeights(IReadOnlyList<string> arguments, string? loras)
    {
        var weights = LoraWeights.Weights(loras);
        for (var k = 0; k < arguments.Count; k++)
        {
            if (arguments[k] != "--lora" || k + 1 == arguments.Count)
            {
                yield return arguments[k];
                continue;
            }

            var argument = arguments[++k];
            var path = PathOf(argument);
            if (weights.TryGetValue(LoraWeights.Name(new Lora(path)), out var weight))
                argument = string.Create(CultureInfo.InvariantCulture, $"{path}:{weight}");
            if (argument == $"{path}:0")
                continue;
            yield return "--lora";
            yield return argument;
        }
    }

    // A number after the last colon is a weight; a path may contain colons.
    private static string PathOf(string argument)
    {
        var colon = argument.LastIndexOf(':');
        return colon > 0 && double.TryParse(argument[(colon + 1)..], CultureInfo.InvariantCulture, out _) ? argument[..colon] : argument;
    }

    private static string Reading(RootRecipe recipe) =>
        Join([recipe.LongPrompts ? "--long-prompts" : "", .. recipe.RareOptions.Select(option => string.Create(CultureInfo.InvariantCulture, $"--{option.Name} {option.Value}"))]);

    private static string Negative(string negative) => negative.Length == 0 ? "" : $"--negative {Quoted(negative)}";

    private static string Feather(double? feather) => feather is { } width ? Number("feather", width) : "";

    private static string Number(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"--{name} {value}");

    private static string Line(string command, params IEnumerable<string> parts) => Join(["p2p", command, .. parts]);

    private static string Join(params IEnumerable<string> parts) => string.Join(' ', parts.Where(part => part.Length > 0));

    // Names and windows are unquoted if no shell gives them another meaning.
    private static string Value(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-') && text.Length > 0 ? text : Quoted(text);

    // POSIX shell: four characters keep their meaning inside double quotes.
    private static string Quoted(string text) =>
        $"\"{string.Concat(text.Select(c => c is '"' or '\\' or '$' or '`' ? $"\\{c}" : c.ToString()))}\"";
}
