using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>A model on disk, of whatever format: its configs, its tokenizer and its weights under the diffusers names.</summary>
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

    /// <summary>What kind of files these are, in words.</summary>
    public abstract string Format { get; }

    /// <summary>The shapes of the parts and the noise schedule, with what the options change.</summary>
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

    /// <summary>Warnings for the user: what in its configs, or in those of what is added to it, is not understood; usually empty.</summary>
    public IReadOnlyList<string> Notes
    {
        get
        {
            _ = Shape;
            return [.. notes, .. Vae?.Notes ?? [], .. Words.Notes, .. Loras?.Notes ?? []];
        }
    }

    /// <summary>Where the tokenizer of each text encoder is.</summary>
    public abstract IReadOnlyList<TokenizerFolder> Tokenizers { get; }

    /// <summary>Opens a model directory or a single file.</summary>
    /// <exception cref="InvalidInputException">There is none, or it is of an unknown kind.</exception>
    public static ModelFiles Open(string path, ModelLoadOptions? options = null)
    {
        options ??= new ModelLoadOptions();
        if (!File.Exists(path))
            return new ModelDirectory(path, options);
        if (options.Variant is not null)
            throw new InvalidInputException(nameof(options.Variant), $"{path} is a single file and has no variants.", "Leave it out.");
        return SingleFileModel.Open(path, options);
    }

    /// <summary>Reads the tokenizer alone that splits prompts.</summary>
    public ClipTokenizer LoadTokenizer() => WithWords(Tokenizers[0].Load());

    /// <summary>Reads the tokenizer of each text encoder. They differ in nothing but the token that fills prompts up.</summary>
    /// <exception cref="InvalidInputException">They differ in more, so that a token would be another one to each encoder.</exception>
    public IReadOnlyList<ClipTokenizer> LoadTokenizers()
    {
        var tokenizers = Tokenizers.Select(folder => folder.Load()).ToList();
        foreach (var (tokenizer, folder) in tokenizers.Zip(TokenizerFolder.Names).Skip(1))
            Require(tokenizers[0].IsLike(tokenizer), $"{TokenizerFolder.Name}/ and {folder}/ have different words, lengths or special tokens");
        return tokenizers.ConvertAll(WithWords);
    }

    /// <summary>The JSON text of the config of a part or of the scheduler, in UTF-8, with what the options change.</summary>
    public byte[] ConfigText(string part)
    {
        const string Prediction = "prediction_type";
        var text = part == ModelParts.Vae && Vae is { } given ? given.ConfigText : ReadConfigText(part);
        if (part != ModelParts.Scheduler || options.Prediction is null)
            return text;
        // The text is kept otherwise: it may say more than is read here.
        var config = JsonNode.Parse(text)!.AsObject();
        config[Prediction] = Shape.Scheduler.ToJson()[Prediction]!.DeepClone();
        return Encoding.UTF8.GetBytes(config.ToJsonString());
    }

    /// <summary>The weights of a part, with what the options add to them.</summary>
    public PartWeights Weights(string part)
    {
        var weights = Words.AddTo(part, Stored(part));
        return Loras?.AddTo(part, weights) ?? weights;
    }

    /// <summary>Builds a part from its weights, all of which it must take.</summary>
    public T Build<T>(string part, Device device, ScalarType dtype, List<IDisposable> owned, Func<WeightScope, T> build)
    {
        var stored = Weights(part);
        stored.RequireKnown();
        var weights = new StoredWeights(
            stored.Origin,
            stored.Tensors.ToDictionary(t => t.Key, t => t.Value with { Read = () => Place(t.Value, device, dtype) }, StringComparer.Ordinal),
            stored.NameInFile);
        owned.Add(weights);
        var model = build(weights.Root);
        weights.RequireAllUsed(ModelParts.MayIgnore);
        return model;
    }

    /// <summary>
    /// Tells models apart: a hash of the configs and of the weights, these by their headers and by samples of their data, since reading
    /// gigabytes would take longer than what it guards against is likely.
    /// </summary>
    public string Fingerprint()
    {
        const int Samples = 64, SampleLength = 4096;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in ModelParts.Configured(Shape))
            hash.AppendData(ConfigText(part));
        foreach (var lora in options.Loras)
            hash.AppendData(BitConverter.GetBytes(lora.Weight));
        foreach (var word in Words.Tokens)
            hash.AppendData(Encoding.UTF8.GetBytes(word.Text));
        var buffer = new byte[SampleLength];
        var weights = ModelParts.Of(Shape).SelectMany(part => Weights(part).Files).Distinct(StringComparer.Ordinal);
        foreach (var path in weights.Concat(Loras?.Files ?? []).Concat(Words.Files))
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

    /// <summary>Refuses parts that were not made for each other, before a tensor operation does so less clearly.</summary>
    public void RequireFit(ClipTokenizer tokenizer)
    {
        var (texts, unet) = (Shape.TextEncoders, Shape.UNet);
        foreach (var (part, text) in ModelParts.TextEncoders.Zip(texts))
        {
            Require(tokenizer.VocabularySize <= text.VocabularySize, $"tokenizer/ has {tokenizer.VocabularySize} tokens, {part}/ {text.VocabularySize}");
            Require(tokenizer.MaxLength <= text.MaxLength, $"tokenizer/ makes {tokenizer.MaxLength} tokens, {part}/ takes {text.MaxLength}");
        }

        var (width, names) = (texts.Sum(text => text.HiddenSize), string.Join(" and ", ModelParts.TextEncoders.Take(texts.Count).Select(part => $"{part}/")));
        Require(width == unet.CrossAttentionDim, $"{names} make texts {width} wide, unet/ expects {unet.CrossAttentionDim}");
        RequireVae();
        Require(unet.OutChannels == Shape.Vae.LatentChannels, $"unet/ makes {unet.OutChannels} channels, vae/ takes {Shape.Vae.LatentChannels}");
        if (unet.Vector is not { } vector)
            return;
        var taken = vector.Width - (SizeConditioning.Count * vector.SizeWidth);
        Require(taken == texts[^1].PooledSize, $"the text as a whole is {texts[^1].PooledSize} wide, unet/ expects {taken}");
    }

    /// <summary>Closes the files. Tensors that were read stay valid.</summary>
    public void Dispose()
    {
        loras?.Dispose();
        words?.Dispose();
        vae?.Dispose();
        Close();
    }

    /// <summary>Whether the model has an autoencoder of its own.</summary>
    protected abstract bool HasVae { get; }

    protected abstract ModelConfig ReadShape();

    /// <summary>Reads a config and keeps what is to be said of it.</summary>
    protected T Read<T>(JsonConfig config, Func<JsonConfig, T> read)
    {
        var result = read(config);
        notes.AddRange(config.Notes);
        return result;
    }

    /// <summary>Keeps what is to be said.</summary>
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
                // Of a model of a shape that nobody published, and without an autoencoder, it is not known how it scales.
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

    // A tokenizer without added words can be read where nothing else of the model is there.
    private ClipTokenizer WithWords(ClipTokenizer tokenizer) => options.Embeddings.Count + options.Loras.Count == 0 ? tokenizer : tokenizer.With(Words.Tokens);

    private PartWeights Stored(string part)
    {
        if (part == ModelParts.Vae && Vae is { } given)
            return given.Weights;
        if (!opened.TryGetValue(part, out var weights))
            opened.Add(part, weights = OpenWeights(part));
        return weights;
    }

    /// <summary>Refuses a model without an autoencoder for which none was given.</summary>
    /// <exception cref="InvalidInputException">It is one.</exception>
    protected void RequireVae()
    {
        if (options.Vae is null && !HasVae)
            throw new InvalidInputException($"The model {Path} has no autoencoder (VAE), which turns latents into pictures: give one of its family as well, such as that of another checkpoint.");
    }

    private static Tensor Place(StoredWeight weight, Device device, ScalarType dtype)
    {
        // A tensor without content, for those who look at names and shapes alone.
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
            throw new InvalidInputException($"The parts of the model {Path} do not belong together: {mismatch}.");
    }
}
