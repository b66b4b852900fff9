using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>
/// A self-supervised vision transformer (Caron et al., "DINO", arXiv 2104.14294) in transformers' layout. The self-similarity of its last keys describes the structure
/// of an image (Tumanyan et al., "Splicing ViT Features", arXiv 2201.00424).
/// </summary>
internal sealed class DinoModel : IDisposable
{
    // Published evaluations subtract ImageNet's mean for pixels in 0…1 from pixels in 0…255. To compare with their numbers, so does this.
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    private readonly StoredTensors file;
    private readonly StoredWeights weights;
    private readonly PatchEmbedding embedding;
    private readonly Layer[] layers;
    private readonly LayerNorm norm;
    private readonly int side;

    /// <summary>The device of the weights. Images and texts are moved to it.</summary>
    public Device Device { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="path">The folder of the hub's layout (facebook/dino-vitb8), or the file of its weights.</param>
    /// <param name="device">The device; null for the CPU.</param>
    /// <exception cref="InvalidInputException">A file is missing, damaged or of another kind of model.</exception>
    public DinoModel(string path, Device? device = null)
    {
        LibTorch.EnsureLoaded();
        Device = device ?? CPU;
        (var config, file) = MetricWeights.Open("Dino", path);
        weights = MetricWeights.On(file, Device);
        try
        {
            config.Expect("model_type", "vit");
            config.Expect("hidden_act", "gelu");
            (side, var patch) = (config.Size("image_size", 224), config.Size("patch_size", 16));
            var width = config.Size("hidden_size", 768);
            var heads = config.Size("num_attention_heads", 12, JsonConfig.MaxLayers);
            PatchEmbedding.RequireFit(config, side, patch, width, heads);
            var epsilon = config.Positive("layer_norm_eps", 1e-12);
            var all = new WeightScope(weights, "");
            var embeddings = all["embeddings"];
            var projection = embeddings["patch_embeddings"]["projection"];
            embedding = new PatchEmbedding(
                embeddings.Take("cls_token", WeightInit.Embedding, 1, 1, 1, width),
                embeddings.Take("position_embeddings", WeightInit.Embedding, 1, 1, PatchEmbedding.Tokens(side, patch), width),
                projection.Take("weight", WeightInit.FanIn, 3L * patch * patch, width, 3, patch, patch),
                projection.Take("bias", WeightInit.FanIn, 3L * patch * patch, width));
            var inner = config.Size("intermediate_size", 3072);
            layers = [.. Enumerable.Range(0, config.Size("num_hidden_layers", 12, JsonConfig.MaxLayers)).Select(i => new Layer(all["encoder"]["layer"][i], width, inner, heads, epsilon))];
            norm = new LayerNorm(all["layernorm"], width, epsilon);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The structure distance: the mean squared difference of the cosine self-similarities of the last layer's keys.</summary>
    public double StructureDistance(Image one, Image other)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor a = SelfSimilarity(Resized(one)), b = SelfSimilarity(Resized(other));
        return (a - b).Squared().mean().ReadDouble();
    }

    /// <summary>An image as published evaluations give it to the model, [1, 3, side, side] in 0…255.</summary>
    public Tensor Resized(Image image) => image.Resize(side, side).ToTensor().permute(2, 0, 1).unsqueeze(0).to(ScalarType.Float32);

    /// <summary>Runs the model.</summary>
    /// <param name="resized">Images, [B, 3, side, side] in 0…255.</param>
    /// <param name="keys">The last layer's keys of all heads, [B, 1 + patches, width].</param>
    /// <returns>The last hidden state, [B, 1 + patches, width].</returns>
    public Tensor Forward(Tensor resized, out Tensor keys)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var pixels = (resized.to(Device) - tensor(Mean, [1, 3, 1, 1], device: Device)) / tensor(Deviation, [1, 3, 1, 1], device: Device);
        var x = embedding.Forward(pixels);
        Tensor? last = null;
        foreach (var layer in layers)
            x = layer.Forward(x, out last);
        keys = last!.MoveToOuterDisposeScope();
        return norm.Forward(x).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        weights.Dispose();
        file.Dispose();
    }

    private Tensor SelfSimilarity(Tensor resized)
    {
        using var scope = NewDisposeScope();
        Forward(resized, out var keys).Dispose();
        var norms = keys.norm(-1, keepdim: true);
        return (matmul(keys, keys.transpose(1, 2)) / matmul(norms, norms.transpose(1, 2)).clamp_min(Scalar(1e-8))).MoveToOuterDisposeScope();
    }

    private sealed class Layer(WeightScope weights, int width, int inner, int heads, double epsilon)
    {
        private readonly LayerNorm norm1 = new(weights["layernorm_before"], width, epsilon);
        private readonly Linear toQuery = new(weights["attention"]["attention"]["query"], width, width);
        private readonly Linear toKey = new(weights["attention"]["attention"]["key"], width, width);
        private readonly Linear toValue = new(weights["attention"]["attention"]["value"], width, width);
        private readonly Linear toOut = new(weights["attention"]["output"]["dense"], width, width);
        private readonly LayerNorm norm2 = new(weights["layernorm_after"], width, epsilon);
        private readonly Linear widen = new(weights["intermediate"]["dense"], width, inner);
        private readonly Linear narrow = new(weights["output"]["dense"], inner, width);

        public Tensor Forward(Tensor x, out Tensor key)
        {
            using var scope = NewDisposeScope();
            var normed = norm1.Forward(x);
            key = toKey.Forward(normed).MoveToOuterDisposeScope();
            var attended = ScaledDotProduct.Attend(SplitHeads(toQuery.Forward(normed)), SplitHeads(key), SplitHeads(toValue.Forward(normed)));
            var hidden = x.Plus(toOut.Forward(attended.transpose(1, 2).reshape(x.shape)));
            return hidden.Plus(narrow.Forward(Activations.Gelu(widen.Forward(norm2.Forward(hidden))))).MoveToOuterDisposeScope();
        }

        private Tensor SplitHeads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, width / heads).transpose(1, 2);
    }
}
