using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Encodes prompts into the conditioning of the U-Net.</summary>
internal static class TextConditioning
{
    // SDXL reads the penultimate hidden state.
    private const int LastButOne = 2;

    /// <summary>Encodes prompts one by one, so that a prompt's embedding never depends on its neighbours.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, all with the same number of chunks; each becomes a row.</param>
    /// <param name="sizes">Size conditioning, for models that use it; null for the model's default size.</param>
    /// <param name="clipSkip">Number of final text encoder layers to skip.</param>
    /// <exception cref="InvalidInputException">The text encoder does not have that many layers.</exception>
    public static Conditioning Encode(StableDiffusionModel model, IEnumerable<TokenizedPrompt> prompts, SizeConditioning? sizes = null, int clipSkip = 0)
    {
        using var _ = no_grad();
        return Encode(model, prompts, sizes, clipSkip, further: null);
    }

    /// <summary>Encodes prompts that contain added tokens. Gradients, if recorded, reach the vectors of those tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, from a tokenizer with the added tokens; each becomes a row.</param>
    /// <param name="further">The added tokens' vectors for each text encoder, [count, width]; see <see cref="Diffusion.Text.ClipTextModel"/>.</param>
    /// <param name="sizes">Size conditioning of each prompt.</param>
    /// <param name="clipSkip">Number of final text encoder layers to skip.</param>
    /// <exception cref="InvalidInputException">The text encoder does not have that many layers.</exception>
    public static Conditioning EncodeWith(
        StableDiffusionModel model, IReadOnlyList<TokenizedPrompt> prompts, IReadOnlyList<Tensor> further, IReadOnlyList<SizeConditioning> sizes, int clipSkip = 0)
    {
        using var scope = NewDisposeScope();
        return prompts.Zip(sizes, (prompt, size) => Encode(model, [prompt], size, clipSkip, further)).Aggregate((rows, row) => rows.Join(row)).MoveToOuterDisposeScope();
    }

    private static Conditioning Encode(
        StableDiffusionModel model, IEnumerable<TokenizedPrompt> prompts, SizeConditioning? sizes, int clipSkip, IReadOnlyList<Tensor>? further)
    {
        using var scope = NewDisposeScope();
        model.Shape.RequireFits(clipSkip);
        sizes ??= SizeConditioning.Of(new PixelSize(model.ImageSide, model.ImageSide));
        return prompts.Select(prompt => Encode(model, prompt, sizes, clipSkip, further)).Aggregate((rows, row) => rows.Join(row)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Encodes the negative prompt, one row. Models that were trained with zeros in place of dropped text get zeros for an empty prompt.
    /// </summary>
    /// <inheritdoc cref="Encode(StableDiffusionModel, IEnumerable{TokenizedPrompt}, SizeConditioning?, int)"/>
    public static Conditioning EncodeNegative(StableDiffusionModel model, TokenizedPrompt prompt, SizeConditioning? sizes = null, int clipSkip = 0)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var encoded = Encode(model, [prompt], sizes, clipSkip);
        if (prompt.Text.Length > 0 || !model.ZerosForEmptyPrompt)
            return encoded.MoveToOuterDisposeScope();
        // The size conditioning stays; only the text is zeroed.
        encoded.Text.zero_();
        encoded.Vector?.narrow(1, 0, model.Shape.TextEncoders[^1].PooledSize).zero_();
        return encoded.MoveToOuterDisposeScope();
    }

    /// <summary>Encodes a negative prompt without emphasis.</summary>
    /// <inheritdoc cref="EncodeNegative(StableDiffusionModel, TokenizedPrompt, SizeConditioning?, int)"/>
    public static Conditioning EncodeNegative(StableDiffusionModel model, string prompt, SizeConditioning? sizes = null) =>
        EncodeNegative(model, model.Tokenizer.Tokenize(prompt), sizes);

    private static Conditioning Encode(StableDiffusionModel model, TokenizedPrompt prompt, SizeConditioning sizes, int clipSkip, IReadOnlyList<Tensor>? further)
    {
        var takesVector = model.Shape.UNet.Vector is not null;
        var chunks = Enumerable.Range(0, prompt.Ends.Count).Select(chunk => Read(model, prompt, chunk, takesVector, clipSkip, further)).ToList();
        var text = cat([.. chunks.Select(chunk => chunk.Text)], 1);
        if (prompt.Emphasis is { } emphasis)
            text = Emphasise(model, text, emphasis, takesVector, clipSkip);
        // The pooled vector comes from the first chunk: there is only one for the whole text, and the beginning matters most.
        var numbers = tensor(sizes.Numbers, [1, sizes.Numbers.Length], device: model.Device);
        return new Conditioning(text, takesVector ? UNet2DConditionModel.Vector(model.Shape.UNet, chunks[0].Pooled, numbers) : null);
    }

    /// <summary>Encodes one chunk with all text encoders.</summary>
    private static (Tensor Text, Tensor Pooled) Read(
        StableDiffusionModel model, TokenizedPrompt prompt, int chunk, bool takesVector, int clipSkip, IReadOnlyList<Tensor>? further = null)
    {
        var (first, length) = (chunk * prompt.ChunkLength, prompt.ChunkLength);
        var (end, own) = (prompt.Ends[chunk] - first, prompt.Ids.Skip(first).Take(length).ToList());
        var texts = new List<Tensor>();
        Tensor pooled = null!;
        foreach (var (i, encoder) in model.TextEncoders.Index())
        {
            var ids = own.Select((id, place) => (long)(place <= end ? id : encoder.PadId)).ToArray();
            var states = new List<Tensor>();
            var output = encoder.Model.Forward(tensor(ids, [1, ids.Length], device: model.Device), states, further?[i]);
            texts.Add(takesVector ? states[^(LastButOne + clipSkip)] : clipSkip > 0 ? encoder.Model.Normalize(states[^(1 + clipSkip)]) : output);
            // The pooled output of the last encoder is the one that counts.
            pooled = encoder.Model.Pool(output, own.IndexOf(model.Tokenizer.EndId));
        }

        return (cat(texts, -1), pooled);
    }

    /// <summary>Interpolates each token between the empty prompt's embedding (strength 0) and its own (strength 1), or extrapolates beyond it.</summary>
    private static Tensor Emphasise(StableDiffusionModel model, Tensor text, IReadOnlyList<float> emphasis, bool takesVector, int clipSkip)
    {
        var nothing = Read(model, model.Tokenizer.Tokenize(""), 0, takesVector, clipSkip).Text.repeat(1, emphasis.Count / model.Tokenizer.MaxLength, 1);
        var strength = tensor(emphasis.ToArray(), [1, emphasis.Count, 1], device: model.Device).to(text.dtype);
        return nothing.Plus(strength * (text - nothing));
    }
}
