using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>CLIP (Radford et al., arXiv 2103.00020): images and texts as unit vectors whose product is their similarity.</summary>
internal sealed class ClipModel : IDisposable
{
    private static readonly float[] Mean = [0.48145466f, 0.4578275f, 0.40821073f];
    private static readonly float[] Deviation = [0.26862954f, 0.26130258f, 0.27577711f];

    private readonly StoredTensors file;
    private readonly StoredWeights weights;
    private readonly ClipTokenizer? tokenizer;
    private readonly ClipTextModel text;
    private readonly PatchEmbedding embedding;
    private readonly LayerNorm before;
    private readonly ClipLayer[] layers;
    private readonly LayerNorm after;
    private readonly Linear projection;
    private readonly int side;

    /// <summary>The device of the weights. Images and texts are moved to it.</summary>
    public Device Device { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="path">The folder of the hub's layout, or the file of its weights.</param>
    /// <param name="tokenizer">The tokenizer; null to have no texts.</param>
    /// <param name="device">The device; null for the CPU.</param>
    /// <exception cref="InvalidInputException">A file is missing, damaged or of another kind of model.</exception>
    public ClipModel(string path, ClipTokenizer? tokenizer, Device? device = null)
    {
        LibTorch.EnsureLoaded();
        Device = device ?? CPU;
        (var config, file) = MetricWeights.Open("Clip", path);
        this.tokenizer = tokenizer;
        weights = MetricWeights.On(file, Device);
        try
        {
            config.Expect("model_type", "clip");
            var width = config.Size("projection_dim", 512);
            JsonConfig texts = config.Object("text_config"), vision = config.Object("vision_config");
            var all = new WeightScope(weights, "");
            text = new ClipTextModel(ClipTextConfig.FromJson(texts) with { ProjectionSize = width }, all);
            (side, var patch) = (vision.Size("image_size", 224), vision.Size("patch_size", 32));
            var hidden = vision.Size("hidden_size", 768);
            var epsilon = vision.Positive("layer_norm_eps", 1e-5);
            var shape = new ClipLayerShape(
                hidden, vision.Size("intermediate_size", 3072), vision.Size("num_attention_heads", 12, JsonConfig.MaxLayers), vision.Text("hidden_act", "quick_gelu") == "quick_gelu", epsilon, Causal: false);
            PatchEmbedding.RequireFit(vision, side, patch, hidden, shape.Heads);
            var scope = all["vision_model"];
            var embeddings = scope["embeddings"];
            embedding = new PatchEmbedding(
                embeddings.Take("class_embedding", WeightInit.Embedding, 1, hidden),
                embeddings["position_embedding"].Take("weight", WeightInit.Embedding, 1, PatchEmbedding.Tokens(side, patch), hidden),
                embeddings["patch_embedding"].Take("weight", WeightInit.FanIn, 3L * patch * patch, hidden, 3, patch, patch),
                bias: null);
            before = new LayerNorm(scope["pre_layrnorm"], hidden, epsilon);
            layers = [.. Enumerable.Range(0, vision.Size("num_hidden_layers", 12, JsonConfig.MaxLayers)).Select(i => new ClipLayer(scope["encoder"]["layers"][i], shape))];
            after = new LayerNorm(scope["post_layernorm"], hidden, epsilon);
            projection = new Linear(all["visual_projection"], hidden, width, bias: false);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The unit vector of an image, [1, width].</summary>
    public Tensor Embed(Image image)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return Embed(Pixels(image)).MoveToOuterDisposeScope();
    }

    /// <summary>The unit vectors of preprocessed images, [B, 3, side, side] → [B, width].</summary>
    public Tensor Embed(Tensor pixels)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var x = before.Forward(embedding.Forward(pixels.to(Device)));
        foreach (var layer in layers)
            x = layer.Forward(x);
        return Unit(projection.Forward(after.Forward(x.select(1, 0)))).MoveToOuterDisposeScope();
    }

    /// <summary>The unit vector of a text, [1, width].</summary>
    /// <exception cref="InvalidInputException">The model has no tokenizer.</exception>
    public Tensor Embed(string caption)
    {
        var read = (tokenizer ?? throw new InvalidInputException("Tokenizer", "Captions need CLIP's tokenizer.", "Give its folder.")).Tokenize(caption);
        using var ids = tensor(read.Ids.Select(id => (long)id).ToArray(), [1, read.Ids.Count], device: CPU);
        return EmbedIds(ids);
    }

    /// <summary>The unit vectors of token ids on the CPU, [B, 77] int64 → [B, width]. The end of a text is its first largest id, as in OpenAI's models.</summary>
    public Tensor EmbedIds(Tensor ids)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var output = text.Forward(ids.to(Device));
        var rows = Enumerable.Range(0, (int)ids.shape[0]).Select(row => text.Pool(output.narrow(0, row, 1), (int)ids[row].argmax().ReadInt64()));
        return Unit(cat([.. rows], 0)).MoveToOuterDisposeScope();
    }

    /// <summary>An image as the model takes it, [1, 3, side, side]: the shorter side resized to the model's, the middle cut out, CLIP's mean and deviation.</summary>
    public Tensor Pixels(Image image)
    {
        var shorter = Math.Min(image.Width, image.Height);
        var (width, height) = ((int)((long)side * image.Width / shorter), (int)((long)side * image.Height / shorter));
        using var scope = NewDisposeScope();
        var resized = image.Resize(width, height).ToTensor().narrow(0, (height - side) / 2, side).narrow(1, (width - side) / 2, side);
        var scaled = resized.permute(2, 0, 1).unsqueeze(0).to(ScalarType.Float32).div(Scalar(255));
        return ((scaled - Channels(Mean)) / Channels(Deviation)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        weights.Dispose();
        file.Dispose();
    }

    private static Tensor Channels(float[] values) => tensor(values, [1, 3, 1, 1], device: CPU);

    private static Tensor Unit(Tensor x) => x / x.norm(-1, keepdim: true);
}
