using System.Globalization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The weights of a model's LoRAs as text: <c>style:0.5, hat:1</c>. A LoRA is named by its file.</summary>
internal static class LoraWeights
{
    private const double Largest = 10;

    /// <summary>The name of a LoRA.</summary>
    public static string Name(Lora lora) => Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(lora.Path));

    /// <summary>The LoRAs with the weights of a text.</summary>
    /// <param name="text">The text; null for the weights that they are offered with. LoRAs that it does not name keep theirs.</param>
    /// <param name="offered">The LoRAs of the model.</param>
    /// <exception cref="InvalidInputException">The text names another LoRA, or a weight is not a number.</exception>
    public static IReadOnlyList<Lora> Read(string? text, IReadOnlyList<Lora> offered)
    {
        var weights = Weights(text);
        if (weights.Keys.FirstOrDefault(name => offered.All(lora => Name(lora) != name)) is { } unknown)
        {
            throw new InvalidInputException(
                nameof(RootRecipe.Loras), $"The model has no LoRA \"{unknown}\".", offered.Count == 0 ? "Leave it out." : Suggestion.Advice(unknown, [.. offered.Select(Name)]));
        }

        return [.. offered.Select(lora => lora with { Weight = weights.GetValueOrDefault(Name(lora), lora.Weight) })];
    }

    /// <summary>The same text if the model has all its LoRAs, else null: the studio may have been started with others since.</summary>
    /// <param name="text">The text, or null.</param>
    /// <param name="offered">The LoRAs of the model.</param>
    public static string? IfKnown(string? text, IReadOnlyList<Lora> offered)
    {
        try
        {
            _ = Read(text, offered);
            return text;
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    /// <summary>The text without LoRAs that the model does not have, such as removed ones; null if nothing is left.</summary>
    /// <param name="text">The text, or null.</param>
    /// <param name="offered">The LoRAs of the model.</param>
    public static string? Known(string? text, IReadOnlyList<Lora> offered)
    {
        if (IfKnown(text, offered) is { } whole)
            return whole;
        var known = (text ?? "").Split(',', StringSplitOptions.TrimEntries).Where(part => IfKnown(part, offered) is { Length: > 0 });
        return string.Join(", ", known) is { Length: > 0 } left ? left : null;
    }

    /// <summary>The text of some weights; null if they are those that the LoRAs are offered with. Without LoRAs that are not applied either way, such as those added since.</summary>
    /// <param name="loras">The LoRAs with their weights.</param>
    /// <param name="offered">The LoRAs of the model.</param>
    public static string? Write(IReadOnlyList<Lora> loras, IReadOnlyList<Lora> offered) =>
        loras.SequenceEqual(offered) ? null : string.Join(", ", loras.Where((lora, k) => lora.Weight != 0 || offered[k].Weight != 0).Select(lora => string.Create(CultureInfo.InvariantCulture, $"{Name(lora)}:{lora.Weight}")));

    /// <summary>The weights of a text by name.</summary>
    /// <exception cref="InvalidInputException">A weight is not a number.</exception>
    public static Dictionary<string, double> Weights(string? text)
    {
        var weights = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var colon = part.LastIndexOf(':');
            if (colon <= 0 || !double.TryParse(part[(colon + 1)..], CultureInfo.InvariantCulture, out var weight) || !(Math.Abs(weight) <= Largest))
                throw new InvalidInputException(nameof(RootRecipe.Loras), $"\"{part}\" is not a LoRA with its weight.", $"Write it like style:0.5, with weights from -{Largest} to {Largest}.");
            weights[part[..colon].Trim()] = weight;
        }

        return weights;
    }
}
