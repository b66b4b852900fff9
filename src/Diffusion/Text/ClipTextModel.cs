using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>CLIP's causal text encoder (Radford et al., arXiv 2103.00020).</summary>
internal sealed class ClipTextModel
{
    private readonly Tensor tokenEmbedding;
    private readonly Tensor positionEmbedding;
    private readonly ClipLayer[] layers;
    private readonly LayerNorm finalNorm;
    private readonly Linear? projection;

    /// <summary>Builds the model from its config and weights.</summary>
    public ClipTextModel(ClipTextConfig config, WeightScope weights)
    {
        Config = config;
        var text = weights["text_model"];
        var embeddings = text["embeddings"];
        tokenEmbedding = embeddings["token_embedding"].TakeMatrix("weight", WeightInit.Embedding, 1, config.VocabularySize, Config.HiddenSize);
        positionEmbedding = embeddings["position_embedding"].Take("weight", WeightInit.Embedding, 1, config.MaxLength, Config.HiddenSize);
        var shape = new ClipLayerShape(config.HiddenSize, config.IntermediateSize, config.Heads, config.QuickGelu, config.NormEpsilon, Causal: true);
        layers = [.. Enumerable.Range(0, config.Layers).Select(i => new ClipLayer(text["encoder"]["layers"][i], shape))];
        finalNorm = new LayerNorm(text["final_layer_norm"], config.HiddenSize, config.NormEpsilon);
        projection = config.ProjectionSize is { } size ? new Linear(weights["text_projection"], config.HiddenSize, size, bias: false) : null;
    }

    /// <summary>The model's config.</summary>
    public ClipTextConfig Config { get; }

    /// <summary>Encodes prompts: ids [B, tokens] int64 → [B, tokens, width], after the final layer normalization.</summary>
    public Tensor Forward(Tensor ids) => Forward(ids, hiddenStates: null);

    /// <summary>Encodes prompts and also returns every layer's output.</summary>
    /// <param name="ids">Token ids, [B, tokens] int64.</param>
    /// <param name="hiddenStates">Receives the embeddings and each layer's output before the final normalization, [B, tokens, width] each; the caller disposes them.</param>
    /// <param name="further">
    /// Vectors of added tokens, [count, width] of any floating-point type; their ids follow the model's own. Recorded gradients reach only
    /// these vectors; the weights have none.
    /// </param>
    public Tensor Forward(Tensor ids, IList<Tensor>? hiddenStates, Tensor? further = null)
    {
        using var scope = NewDisposeScope();
        var x = Embed(ids, further).Plus(positionEmbedding.slice(0, 0, ids.shape[1], 1));
        hiddenStates?.Add(x.alias().MoveToOuterDisposeScope());
        foreach (var layer in layers)
        {
            x = layer.Forward(x);
            hiddenStates?.Add(x.alias().MoveToOuterDisposeScope());
        }

        return finalNorm.Forward(x).MoveToOuterDisposeScope();
    }

    /// <summary>A copy of the embedding of one of the model's own tokens, [width] float32.</summary>
    public Tensor Embedding(int id)
    {
        using var row = tokenEmbedding.select(0, id);
        return row.to(ScalarType.Float32, copy: true);
    }

    /// <summary>Applies the final layer normalization to another layer's output, [B, tokens, width], for CLIP skip.</summary>
    public Tensor Normalize(Tensor state) => finalNorm.Forward(state);

    /// <summary>The pooled text embedding: the output at the end token, projected if the model has a projection.</summary>
    /// <param name="output">The result of <see cref="Forward(Tensor)"/>, [B, tokens, width].</param>
    /// <param name="end">Position of the first end token of every row.</param>
    /// <returns>[B, projection size or width].</returns>
    public Tensor Pool(Tensor output, int end)
    {
        using var scope = NewDisposeScope();
        var state = output.select(1, end);
        return (projection?.Forward(state) ?? state).MoveToOuterDisposeScope();
    }

    private Tensor Embed(Tensor ids, Tensor? further)
    {
        if (further is null)
            return Rows(tokenEmbedding, ids);
        using var scope = NewDisposeScope();
        // The added rows are not appended to the table: their gradient would be as large as the table. They have its type, as they have when a file adds them.
        var beyond = ids - Scalar((long)Config.VocabularySize);
        return where(
            beyond.ge(Scalar(0L)).unsqueeze(-1),
            Rows(further.to(tokenEmbedding.dtype), beyond.clamp_min(Scalar(0L))),
            Rows(tokenEmbedding, ids.clamp_max(Scalar(Config.VocabularySize - 1L)))).MoveToOuterDisposeScope();
    }

    // The table may have a narrower type than that of the arithmetic.
    private Tensor Rows(Tensor table, Tensor ids) =>
        table.index_select(0, ids.flatten()).to(positionEmbedding.dtype).view(ids.shape[0], ids.shape[1], Config.HiddenSize);
}
