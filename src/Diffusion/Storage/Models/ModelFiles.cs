using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>A model on disk in any format: its configs, its tokenizers, and its weights under the diffusers names.</summary>
internal abstract class ModelFiles : IDisposable
{
    private readonly Dictionary<string, PartWeights> opened = [];
    private readonly ModelLoadOptions options;
    private readonly List<string> notes = [];
    private ModelConfig? shape;
    private AppliedLoras? loras;
    private GivenVae? vae;
    private LearnedWords? words;

    protected ModelFiles(string path, ModelLoadOptions options) => (Path, this.options) = (path, options);

    /// <summary>The directory or file.</summary>
    public string Path { get; }

    /// <summary>Description of the format.</summary>
    public abstract string Format { get; }

    /// <summary>The configs of the parts and of the noise schedule, with the changes of the options.</summary>
    public ModelConfig Shape
    {
        get
        {
            var own = shape ??= ReadShape();
            own = options.Prediction is { } prediction ? own with { Scheduler = own.Scheduler with { PredictionType = prediction } } : own;
            own = Vae is { } given ? own with { Vae = given.Config } : own;
            return Words.AddTo(own);
        }
    }

    /// <summary>Warnings about unsupported entries in its configs, or in those of added files; usually empty.</summary>
    public IReadOnlyList<string> Notes
    {
        get
        {
            _ = Shape;
            return [.. notes, .. Vae?.Notes ?? [], .. Words.Notes, .. Loras?.Notes ?? []];
        }
    }

    /// <summary>The tokenizer directory of each text encoder.</summary>
    public abstract IReadOnlyList<TokenizerFolder> Tokenizers { get; }

    /// <summary>Opens a model directory or a single file.</summary>
    /// <exception cref="InvalidInputException">The model does not exist, or its type is unknown.</exception>
    public static ModelFiles Open(string path, ModelLoadOptions? options = null)
    {
        options ??= new ModelLoadOptions();
        if (!File.Exists(path))
            return new ModelDirectory(path, options);
        if (options.Variant is not null)
            throw new InvalidInputException(nameof(options.Variant), $"{path} is a single file and has no variants.", "Leave it out.");
        return SingleFileModel.Open(path, options);
    }

    /// <summary>Reads only the tokenizer of the first text encoder, which splits prompts.</summary>
    public ClipTokenizer LoadTokenizer() => WithWords(Tokenizers[0].Load());

    /// <summary>Reads the tokenizer of each text encoder. They must be equal except for the padding token.</summary>
    /// <exception cref="InvalidInputException">They differ, so that the encoders would read different tokens.</exception>
    public IReadOnlyList<ClipTokenizer> LoadTokenizers()
    {
        var tokenizers = Tokenizers.Select(folder => folder.Load()).ToList();
        foreach (var (tokenizer, folder) in tokenizers.Zip(TokenizerFolder.Names).Skip(1))
            Require(tokenizers[0].IsLike(tokenizer), $"{TokenizerFolder.Name}/ and {folder}/ have different words, lengths or special tokens");
        return tokenizers.ConvertAll(WithWords);
    }

    /// <summary>The JSON text of the config of a part or of the scheduler, in UTF-8, with the changes of the options.</summary>
    public byte[] ConfigText(string part)
    {
        const string Prediction = "prediction_type";
        var text = part == ModelParts.Vae && Vae is { } given ? given.ConfigText : ReadConfigText(part);
        if (part != ModelParts.Scheduler || options.Prediction is null)
            return text;
        // The rest of the text is kept, because it may contain entries that are not read here.
        var config = JsonNode.Parse(text)!.AsObject();
        config[Prediction] = Shape.Scheduler.ToJson()[Prediction]!.DeepClone();
        return Encoding.UTF8.GetBytes(config.ToJsonString());
    }

    /// <summary>The weights of a part, with the additions of the options.</summary>
    public PartWeights Weights(string part)
    {
        var weights = Words.AddTo(part, Stored(part));
        return Loras?.AddTo(part, weights) ?? weights;
    }

    /// <summary>Builds a part from its weights, all of which must be used.</summary>
    public T Build<T>(string part, Device device, Precision precision, List<IDisposable> owned, Func<WeightScope, T> build)
    {
        var stored = Weights(part);
        stored.RequireKnown();
        var weights = new StoredWeights(
            stored.Origin,
            stored.Tensors.ToDictionary(t => t.Key, t => t.Value with
            {
                Read = () => Place(t.Value, device, precision.Arithmetic),
                ReadMatrix = () => Place(t.Value, device, precision.Weights),
                IsMapped = device.type == DeviceType.CPU && t.Value.Type == precision.Weights,
            }, StringComparer.Ordinal),
            stored.NameInFile);
        owned.Add(weights);
        var model = build(weights.Root);
        weights.RequireAllUsed(ModelParts.MayIgnore);
        return model;
    }

    /// <summary>
    /// Identifies the model: a hash of the configs and of the weights. Of the weights, it reads only headers and samples, because
    /// reading gigabytes would take too long.
    /// </summary>
    /// <param name="withEmbeddings">Whether to include the words of embedding files.</param>
    public string Fingerprint(bool withEmbeddings = true)
    {
        const int Samples = 64, SampleLength = 4096;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in ModelParts.Configured(Shape))
            hash.AppendData(ConfigText(part));
        foreach (var lora in options.Loras)
            hash.AppendData(BitConverter.GetBytes(lora.Weight));
        var (named, wordFiles) = Words.Identifying(withEmbeddings);
        foreach (var word in named)
            hash.AppendData(Encoding.UTF8.GetBytes(word));
        var buffer = new byte[SampleLength];
        var weights = ModelParts.Of(Shape).SelectMany(part => Weights(part).Files).Distinct(StringComparer.Ordinal);
        foreach (var path in weights.Concat(Loras?.Files ?? []).Concat(wordFiles))
        {
            using var stream = File.OpenRead(path);
            hash.AppendData(BitConverter.GetBytes(stream.Length));
            for (var i = 0; i < Samples; i++)
            {
                stream.Position = (stream.Length - 1) * i / Samples;
                hash.AppendData(buffer.AsSpan(0, stream.ReadAtLeast(buffer, SampleLength, throwOnEndOfStream: false)));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The fingerprint of the model without embedding files. Prompts without their words give the same images with both models.</summary>
    /// <param name="fingerprint">The fingerprint with them.</param>
    public string FingerprintWithoutEmbeddings(string fingerprint) => Words.AreEmbeddingsIdentifying ? Fingerprint(withEmbeddings: false) : fingerprint;

    /// <inheritdoc cref="LearnedWords.Hashes"/>
    public IReadOnlyDictionary<string, string> WordHashes() => Words.Hashes();

    /// <summary>Rejects parts that do not match, before a tensor operation fails with a less clear error.</summary>
    public void RequireFit(ClipTokenizer tokenizer)
    {
        var (texts, unet) = (Shape.TextEncoders, Shape.UNet);
        foreach (var (part, text) in ModelParts.TextEncoders.Zip(texts))
        {
            Require(tokenizer.VocabularySize <= text.VocabularySize, $"tokenizer/ has {tokenizer.VocabularySize} tokens, {part}/ {text.VocabularySize}");
            Require(tokenizer.MaxLength <= text.MaxLength, $"tokenizer/ produces {tokenizer.MaxLength} tokens, {part}/ takes {text.MaxLength}");
        }

        var (width, names) = (texts.Sum(text => text.HiddenSize), string.Join(" and ", ModelParts.TextEncoders.Take(texts.Count).Select(part => $"{part}/")));
        Require(width == unet.CrossAttentionDim, $"{names} produce text of width {width}, unet/ expects {unet.CrossAttentionDim}");
        RequireVae();
        Require(unet.OutChannels == Shape.Vae.LatentChannels, $"unet/ produces {unet.OutChannels} channels, vae/ takes {Shape.Vae.LatentChannels}");
        if (unet.Vector is not { } vector)
            return;
        var taken = vector.Width - (SizeConditioning.Count * vector.SizeWidth);
        Require(taken == texts[^1].PooledSize, $"the pooled text has width {texts[^1].PooledSize}, unet/ expects {taken}");
    }

    /// <summary>Closes the files. Tensors already read stay valid.</summary>
    public void Dispose()
    {
        loras?.Dispose();
        words?.Dispose();
        vae?.Dispose();
        Close();
    }

    /// <summary>Whether the model has its own autoencoder.</summary>
    protected abstract bool HasVae { get; }

    protected abstract ModelConfig ReadShape();

    /// <summary>Reads a config and collects its warnings.</summary>
    protected T Read<T>(JsonConfig config, Func<JsonConfig, T> read)
    {
        var result = read(config);
        notes.AddRange(config.Notes);
        return result;
    }

    /// <summary>Adds a warning.</summary>
    protected void Note(string note) => notes.Add(note);

    protected abstract byte[] ReadConfigText(string part);

    protected abstract PartWeights OpenWeights(string part);

    /// <summary>Closes the model's own files.</summary>
    protected abstract void Close();

    private LearnedWords Words => words ??= new LearnedWords(options.Embeddings, options.Loras, Path, shape ??= ReadShape());

    private GivenVae? Vae
    {
        get
        {
            if (options.Vae is null || vae is not null)
                return vae;
            var own = shape ??= ReadShape();
            var given = GivenVae.Open(options.Vae, own.Vae);
            try
            {
                // The scaling of an unpublished architecture without an autoencoder is unknown.
                given.RequireFits(options.Vae, Path, own.UNet.OutChannels, HasVae || own.IsPublished ? own.Vae : null);
            }
            catch
            {
                given.Dispose();
                throw;
            }

            return vae = given;
        }
    }

    private AppliedLoras? Loras => options.Loras.Count == 0 ? null : loras ??= new AppliedLoras(options.Loras, Path, Shape, Stored);

    // A tokenizer without added words can be read even if the rest of the model is missing.
    private ClipTokenizer WithWords(ClipTokenizer tokenizer) => options.Embeddings.Count + options.Loras.Count == 0 ? tokenizer : tokenizer.With(Words.Tokens);

    private PartWeights Stored(string part)
    {
        if (part == ModelParts.Vae && Vae is { } given)
            return given.Weights;
        if (!opened.TryGetValue(part, out var weights))
            opened.Add(part, weights = OpenWeights(part));
        return weights;
    }

    /// <summary>Rejects a model without an autoencoder, unless the user gave one.</summary>
    /// <exception cref="InvalidInputException">The model has no autoencoder.</exception>
    protected void RequireVae()
    {
        if (options.Vae is null && !HasVae)
            throw new InvalidInputException($"The model {Path} has no autoencoder (VAE), which decodes latents into images. Add one of the same model family, for example from another checkpoint.");
    }

    private static Tensor Place(StoredWeight weight, Device device, ScalarType dtype)
    {
        // Without content, for callers that need only names and shapes.
        if (device.type == DeviceType.META)
            return empty([.. weight.Shape], dtype, device);
        var stored = weight.Read();
        if (stored.dtype == dtype && stored.device_type == device.type)
            return stored;
        using (stored)
            return stored.to(dtype, device);
    }

    private void Require(bool condition, string mismatch)
    {
        if (!condition)
            throw new InvalidInputException($"The parts of the model {Path} do not match: {mismatch}.");
    }
}
