using System.Collections.Frozen;
using System.CommandLine;
using System.Text.Json;

namespace PromptToPrompt.Cli.Options;

/// <summary>Maps settings of the libraries to options and arguments. Library errors name settings by their properties.</summary>
internal static class OptionNames
{
    // All other settings map by name: InnerSteps is --inner-steps.
    private static readonly FrozenDictionary<string, string> Exceptions = new Dictionary<string, string>
    {
        ["Accumulation"] = "--accumulate",
        ["Alignment"] = "--kind",
        ["Chunks"] = "--long-prompts",
        ["Concepts"] = "--concept",
        ["Embeddings"] = "--embedding",
        ["Files"] = "--file",
        ["Framing"] = "--frame",
        ["Initial"] = "--init",
        ["InitialLatents"] = "--init-latents",
        ["Loras"] = "--lora",
        ["OnePartAtATime"] = "--low-memory",
        ["Quantile"] = "--proximal-quantile",
        ["Scheduler"] = "--scheduler",
        ["TiledVae"] = "--vae-tiling",
        ["TimestepSpacing"] = "--spacing",
        ["Weights"] = "--weight",
        ["WordSteps"] = "--cross-steps",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The option of a setting. Errors of this program already name an option.</summary>
    public static string Of(string setting) => setting.StartsWith('-') ? setting
        : Exceptions.GetValueOrDefault(setting) ?? $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(setting)}";

    /// <summary>The name of a setting for a command: an option, or an argument if it has no such option.</summary>
    public static string Of(string setting, Command command)
    {
        var option = Of(setting);
        var argument = option.TrimStart('-');
        return command.Options.All(known => known.Name != option) && command.Arguments.Any(known => known.Name == argument) ? argument : option;
    }
}
