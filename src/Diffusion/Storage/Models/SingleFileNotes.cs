using System.Text;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>
/// The configs of a model in the metadata of a single file written by this program. Without them, a reader has to assume those of the
/// family, which are correct for published models but not for custom architectures.
/// </summary>
internal static class SingleFileNotes
{
    private const string Prefix = "p2p.";
    private static readonly string[] Needed = [ModelParts.TextEncoder, ModelParts.UNet, ModelParts.Vae, ModelParts.Scheduler];

    /// <summary>Creates the metadata.</summary>
    public static Dictionary<string, string> Write(ModelFiles model) => new(
        ModelParts.Configured(model.Shape).Select(part => KeyValuePair.Create(Prefix + part, Encoding.UTF8.GetString(model.ConfigText(part)))))
    {
        ["format"] = "pt",
        [Prefix + ModelIndex.ZerosField] = model.Shape.ZerosForEmptyPrompt ? "true" : "false",
        ["modelspec.prediction_type"] = model.Shape.Scheduler.PredictionType == PredictionType.VPrediction ? "v" : "epsilon",
    };

    /// <summary>The config of a part in the metadata; null if there is none.</summary>
    public static byte[]? ConfigText(IReadOnlyDictionary<string, string> notes, string part) =>
        notes.TryGetValue(Prefix + part, out var text) ? Encoding.UTF8.GetBytes(text) : null;

    /// <summary>Reads the configs from the metadata; null if they are missing.</summary>
    /// <param name="path">The file's name in errors.</param>
    /// <param name="notes">The file's metadata.</param>
    /// <param name="said">Receives warnings about unsupported config entries.</param>
    /// <exception cref="InvalidInputException">A metadata entry is not a valid config.</exception>
    public static ModelConfig? Read(string path, IReadOnlyDictionary<string, string> notes, List<string> said)
    {
        if (!Needed.All(part => notes.ContainsKey(Prefix + part)))
            return null;
        var hasSecond = notes.ContainsKey(Prefix + ModelParts.TextEncoder2);
        return new ModelConfig
        {
            TextEncoder = Config(ModelParts.TextEncoder, ClipTextConfig.FromJson),
            TextEncoder2 = hasSecond ? Config(ModelParts.TextEncoder2, ClipTextConfig.FromJson) : null,
            UNet = Config(ModelParts.UNet, UNetConfig.FromJson),
            Vae = Config(ModelParts.Vae, AutoencoderConfig.FromJson),
            Scheduler = Config(ModelParts.Scheduler, SchedulerConfig.FromJson),
            ZerosForEmptyPrompt = notes.GetValueOrDefault(Prefix + ModelIndex.ZerosField) == "true",
        };

        T Config<T>(string part, Func<JsonConfig, T> read)
        {
            var json = JsonConfig.Parse($"{path} (note {Prefix}{part})", ConfigText(notes, part)!);
            var config = read(json);
            said.AddRange(json.Notes);
            return config;
        }
    }
}
