using System.Collections.Frozen;
using System.CommandLine;
using System.Text.Json;

namespace PromptToPrompt.Cli.Options;

/// <summary>The options and arguments that settings of the libraries have on the command line. Errors name settings by their properties.</summary>
internal static class OptionNames
{
    // Every other setting has the option of its own name: InnerSteps is --inner-steps.
    private static readonly FrozenDictionary<string, string> Exceptions = new Dictionary<string, string>
    {
        ["Accumulation"] = "--accumulate",
        ["Alignment"] = "--kind",
        ["Chunks"] = "--long-prompts",
        ["Embeddings"] = "--embedding",
        ["Files"] = "--file",
        ["Framing"] = "--frame",
        ["Initial"] = "--init",
        ["InitialLatents"] = "--init-latents",
        ["Loras"] = "--lora",
        ["OnePartAtATime"] = "--low-memory",
        ["Quantile"] = "--proximal-quantile",
        ["Sampler"] = "--scheduler",
        ["TiledVae"] = "--vae-tiling",
        ["TimestepSpacing"] = "--spacing",
        ["Weights"] = "--weight",
        ["WordSteps"] = "--cross-steps",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The option of a setting. Errors of this program name an option already.</summary>
    public static string Of(string setting) => setting.StartsWith('-') ? setting
        : Exceptions.GetValueOrDefault(setting) ?? $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(setting)}";

    /// <summary>What a command calls a setting: by an option, or by an argument where it has no such option.</summary>
    public static string Of(string setting, Command command)
    {
        var option = Of(setting);
        var argument = option.TrimStart('-');
        return command.Options.All(known => known.Name != option) && command.Arguments.Any(known => known.Name == argument) ? argument : option;
    }
}
