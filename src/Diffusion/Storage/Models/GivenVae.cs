using System.Text;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>
/// An autoencoder that was given for a model, in place of its own or because it has none: a folder with a config and weights, a model directory
/// that has one, or a file in either layout, which may be a whole checkpoint.
/// </summary>
internal sealed class GivenVae : IDisposable
{
    private const string ConfigName = "config.json";
    private const double ScalingTolerance = 1e-5;

    // Where the autoencoder's tensors are in a file of the original layout: of a whole checkpoint, or by themselves.
    private static readonly string[] Prefixes = [SingleFileLayout.VaePrefix, ""];

    // One tensor that every autoencoder has, whose name differs between the layouts.
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

    /// <summary>Its shape.</summary>
    public AutoencoderConfig Config { get; }

    /// <summary>Its config as JSON text in UTF-8.</summary>
    public byte[] ConfigText { get; }

    /// <summary>Its weights under the diffusers names.</summary>
    public PartWeights Weights { get; }

    /// <summary>Warnings for the user; usually empty.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Opens one.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="like">The autoencoder that the model was trained with; a file without a config is taken to scale as this does.</param>
    /// <exception cref="InvalidInputException">It is none, or damaged.</exception>
    public static GivenVae Open(string path, AutoencoderConfig like)
    {
        if (!Directory.Exists(path))
            return OfFile(path, like);
        var folder = new[] { path, Path.Combine(path, ModelParts.Vae) }.FirstOrDefault(folder => File.Exists(Path.Combine(folder, ConfigName)));
        if (folder is not null)
            return OfFolder(folder, WeightFiles.Find(folder, variant: null));
        string[] files = [.. Directory.GetFiles(path).Where(file => Path.GetExtension(file) is ".safetensors" or ".ckpt" or ".pt")];
        return files is [var only] ? OfFile(only, like)
            : throw new InvalidInputException($"{path} is no autoencoder: it has no {ConfigName} and no {ModelParts.Vae}/{ConfigName}; give the folder or the file of one.");
    }

    /// <summary>Refuses an autoencoder of another family than the model's.</summary>
    /// <param name="path">What errors call it.</param>
    /// <param name="model">What errors call the model.</param>
    /// <param name="latentChannels">Channels that the U-Net makes.</param>
    /// <param name="own">The autoencoder that the model was trained with; null where that is not known.</param>
    /// <exception cref="InvalidInputException">Its latents are not the model's.</exception>
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
            condition, $"The autoencoder {path} does not belong to the model {model}: {mismatch}; give one of the model's family.");
    }

    /// <summary>Closes its file. Tensors that were read stay valid.</summary>
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
                $"{path} holds no autoencoder: none of its tensors is called {Prefixes[0]}{InOriginal}, {InOriginal} or {InDiffusers}.");
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

    /// <summary>The shape of a file without a config: that of its tensors, in either layout, and the model's own in what they do not show.</summary>
    private static AutoencoderConfig ShapeOf(string path, IReadOnlyDictionary<string, StoredWeight> tensors, string prefix, AutoencoderConfig like)
    {
        var names = new[] { (Level: "encoder.down.", Block: ".block."), (Level: "encoder.down_blocks.", Block: ".resnets.") };
        var (level, block) = Array.Find(names, layout => Outputs($"{layout.Level}0{layout.Block}0") is not null);
        var channels = level is null ? [] : Enumerable.Range(0, JsonConfig.MaxLayers).Select(i => Outputs($"{level}{i}{block}0")).TakeWhile(width => width is not null).Select(width => width!.Value).ToList();
        if (channels.Count == 0 || channels.Any(width => width % like.NormGroups != 0))
            throw new InvalidInputException($"{path} is an autoencoder of a shape that is not known; give the folder that has its {ConfigName} as well.");
        return like with
        {
            Channels = channels,
            LayersPerBlock = Enumerable.Range(0, JsonConfig.MaxLayers).TakeWhile(i => Outputs($"{level}0{block}{i}") is not null).Count(),
            LatentChannels = tensors.GetValueOrDefault(prefix + Latents) is { Shape: [_, var latents, ..] } ? (int)Math.Clamp(latents, 1, JsonConfig.MaxSize) : like.LatentChannels,
        };

        int? Outputs(string resnet) => tensors.GetValueOrDefault($"{prefix}{resnet}.conv1.weight") is { Shape: [var outputs and > 0 and <= JsonConfig.MaxSize, ..] } ? (int)outputs : null;
    }

    // What training leaves in such files and no picture needs.
    private static bool IsOfVae(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && (name[prefix.Length..] is var rest && !rest.StartsWith("loss.", StringComparison.Ordinal) && !rest.StartsWith("model_ema.", StringComparison.Ordinal));
}
