using System.Text;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>
/// An autoencoder chosen by the user, in place of the model's own or because it has none: a directory with a config and weights, a model
/// directory that contains one, or a file in either layout, which may be a complete checkpoint.
/// </summary>
internal sealed class GivenVae : IDisposable
{
    private const string ConfigName = "config.json";
    private const double ScalingTolerance = 1e-5;

    // Prefixes of the autoencoder's tensors in a file of the original layout: in a complete checkpoint, or alone.
    private static readonly string[] Prefixes = [SingleFileLayout.VaePrefix, ""];

    // A tensor that every autoencoder has, under different names in the two layouts.
    private const string InOriginal = "decoder.mid.block_1.conv1.weight", InDiffusers = "decoder.mid_block.resnets.0.conv1.weight";
    private const string Latents = "decoder.conv_in.weight";

    private readonly StoredTensors file;

    private GivenVae(StoredTensors file, AutoencoderConfig config, byte[]? text, PartWeights weights, IReadOnlyList<string> notes)
    {
        this.file = file;
        Config = config;
        ConfigText = text ?? Encoding.UTF8.GetBytes(config.ToJson().ToJsonString());
        Weights = weights;
        Notes = notes;
    }

    /// <summary>Its config.</summary>
    public AutoencoderConfig Config { get; }

    /// <summary>Its config as JSON text in UTF-8.</summary>
    public byte[] ConfigText { get; }

    /// <summary>Its weights under the diffusers names.</summary>
    public PartWeights Weights { get; }

    /// <summary>Warnings for the user; usually empty.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Opens an autoencoder.</summary>
    /// <param name="path">The directory or file.</param>
    /// <param name="like">The autoencoder that the model was trained with; a file without a config is assumed to have the same
    /// scaling.</param>
    /// <exception cref="InvalidInputException">The path is not an autoencoder, or is damaged.</exception>
    public static GivenVae Open(string path, AutoencoderConfig like)
    {
        if (!Directory.Exists(path))
            return OfFile(path, like);
        var folder = new[] { path, Path.Combine(path, ModelParts.Vae) }.FirstOrDefault(folder => File.Exists(Path.Combine(folder, ConfigName)));
        if (folder is not null)
            return OfFolder(folder, WeightFiles.Find(folder, variant: null));
        string[] files = [.. Directory.GetFiles(path).Where(file => Path.GetExtension(file) is ".safetensors" or ".ckpt" or ".pt")];
        return files is [var only] ? OfFile(only, like)
            : throw new InvalidInputException($"{path} is not an autoencoder: it has no {ConfigName} and no {ModelParts.Vae}/{ConfigName}. Use the directory or the file of one.");
    }

    /// <summary>Rejects an autoencoder of another model family.</summary>
    /// <param name="path">The autoencoder's name in errors.</param>
    /// <param name="model">The model's name in errors.</param>
    /// <param name="latentChannels">Number of output channels of the U-Net.</param>
    /// <param name="own">The autoencoder that the model was trained with; null if unknown.</param>
    /// <exception cref="InvalidInputException">Its latents are incompatible with the model.</exception>
    public void RequireFits(string path, string model, int latentChannels, AutoencoderConfig? own)
    {
        Require(Config.LatentChannels == latentChannels, $"it has {Config.LatentChannels} latent channels, the U-Net {latentChannels}");
        if (own is null)
            return;
        Require(Config.PixelsPerLatent == own.PixelsPerLatent, $"its downsampling factor is {Config.PixelsPerLatent}, the model's is {own.PixelsPerLatent}");
        Require(
            Math.Abs(Config.ScalingFactor - own.ScalingFactor) <= ScalingTolerance * own.ScalingFactor,
            FormattableString.Invariant($"it scales latents by {Config.ScalingFactor}, the model by {own.ScalingFactor}"));
        Require(Same(Config.LatentMeans, own.LatentMeans) && Same(Config.LatentDeviations, own.LatentDeviations), "their latents_mean or latents_std differ");

        static bool Same(IReadOnlyList<double>? left, IReadOnlyList<double>? right) => left is null ? right is null : right is not null && left.SequenceEqual(right);

        void Require(bool condition, string mismatch) => InvalidInputException.Require(
            condition, $"The autoencoder {path} does not match the model {model}: {mismatch}. Use one of the same model family.");
    }

    /// <summary>Closes its file. Tensors already read stay valid.</summary>
    public void Dispose() => file.Dispose();

    private static GivenVae OfFolder(string folder, string weights)
    {
        var path = Path.Combine(folder, ConfigName);
        var json = JsonConfig.Read(path);
        var config = AutoencoderConfig.FromJson(json);
        var file = StoredTensors.Open(weights);
        return new GivenVae(file, config, TextFile.ReadUtf8(path), new PartWeights(file.Origin, file.Files, file.Tensors), json.Notes);
    }

    private static GivenVae OfFile(string path, AutoencoderConfig like)
    {
        var file = StoredTensors.Open(path);
        try
        {
            if (file.Tensors.ContainsKey(InDiffusers))
            {
                var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
                if (!File.Exists(Path.Combine(folder, ConfigName)))
                    return new GivenVae(file, ShapeOf(path, file.Tensors, prefix: "", like), text: null, new PartWeights(path, file.Files, file.Tensors), []);
                file.Dispose();
                return OfFolder(folder, path);
            }

            var prefix = Array.Find(Prefixes, prefix => file.Tensors.ContainsKey(prefix + InOriginal)) ?? throw new InvalidInputException(
                $"{path} contains no autoencoder: none of its tensors is named {Prefixes[0]}{InOriginal}, {InOriginal} or {InDiffusers}.");
            var noted = SingleFileNotes.ConfigText(file.Metadata, ModelParts.Vae);
            var config = noted is null ? ShapeOf(path, file.Tensors, prefix, like) : AutoencoderConfig.FromJson(JsonConfig.Parse($"{path} (notes)", noted));
            var table = new KeyTable(prefix, AutoencoderKeys.Rows(config));
            var (tensors, unknown) = table.Convert(file.Tensors.Where(tensor => IsOfVae(tensor.Key, prefix)));
            var weights = new PartWeights(path, file.Files, tensors) { NameInFile = name => table.ToOriginal(name)?.Original ?? name, Unknown = unknown };
            return new GivenVae(file, config, noted, weights, []);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The config of a file without one: derived from its tensors, in either layout, with the model's own values for the rest.
    /// </summary>
    private static AutoencoderConfig ShapeOf(string path, IReadOnlyDictionary<string, StoredWeight> tensors, string prefix, AutoencoderConfig like)
    {
        var names = new[] { (Level: "encoder.down.", Block: ".block."), (Level: "encoder.down_blocks.", Block: ".resnets.") };
        var (level, block) = Array.Find(names, layout => Outputs($"{layout.Level}0{layout.Block}0") is not null);
        var channels = level is null ? [] : Enumerable.Range(0, JsonConfig.MaxLayers).Select(i => Outputs($"{level}{i}{block}0")).TakeWhile(width => width is not null).Select(width => width!.Value).ToList();
        if (channels.Count == 0 || channels.Any(width => width % like.NormGroups != 0))
            throw new InvalidInputException($"{path} is an autoencoder of an unknown architecture. Use a directory that also contains its {ConfigName}.");
        return like with
        {
            Channels = channels,
            LayersPerBlock = Enumerable.Range(0, JsonConfig.MaxLayers).TakeWhile(i => Outputs($"{level}0{block}{i}") is not null).Count(),
            LatentChannels = tensors.GetValueOrDefault(prefix + Latents) is { Shape: [_, var latents, ..] } ? (int)Math.Clamp(latents, 1, JsonConfig.MaxSize) : like.LatentChannels,
        };

        int? Outputs(string resnet) => tensors.GetValueOrDefault($"{prefix}{resnet}.conv1.weight") is { Shape: [var outputs and > 0 and <= JsonConfig.MaxSize, ..] } ? (int)outputs : null;
    }

    // Excludes tensors left over from training, which are not needed for inference.
    private static bool IsOfVae(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && (name[prefix.Length..] is var rest && !rest.StartsWith("loss.", StringComparison.Ordinal) && !rest.StartsWith("model_ema.", StringComparison.Ordinal));
}
