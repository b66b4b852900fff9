using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Prompts as the U-Net sees them.</summary>
public static class TextConditioning
{
    // Which of a text encoder's outputs U-Nets that take a vector were trained with, counted from the last.
    private const int LastButOne = 2;

    /// <summary>Encodes prompts one by one, so that a prompt's embedding never depends on its neighbours.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; each becomes a row.</param>
    /// <param name="sizes">Sizes of the picture, for models that look at them; the model's own by default.</param>
    public static Conditioning Encode(StableDiffusionModel model, IEnumerable<TokenizedPrompt> prompts, PictureSizes? sizes = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        sizes ??= PictureSizes.Of(new PixelSize(model.PictureSide, model.PictureSide));
        return prompts.Select(prompt => Encode(model, prompt, sizes)).Aggregate((rows, row) => rows.Join(row)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Encodes the negative prompt, one row. In the place of an empty one, models whose training left the text out by zeros are given zeros.
    /// </summary>
    /// <inheritdoc cref="Encode(StableDiffusionModel, IEnumerable{TokenizedPrompt}, PictureSizes?)"/>
    public static Conditioning EncodeNegative(StableDiffusionModel model, string prompt, PictureSizes? sizes = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var encoded = Encode(model, [model.Tokenizer.Tokenize(prompt)], sizes);
        if (prompt.Length > 0 || !model.ZerosForEmptyPrompt)
            return encoded.MoveToOuterDisposeScope();
        // The sizes stay: only the text is left out.
        encoded.Text.zero_();
        encoded.Vector?.narrow(1, 0, model.TextEncoders[^1].Model.Config.PooledSize).zero_();
        return encoded.MoveToOuterDisposeScope();
    }

    private static Conditioning Encode(StableDiffusionModel model, TokenizedPrompt prompt, PictureSizes sizes)
    {
        var takesVector = model.UNet.Config.Vector is not null;
        var end = prompt.Ids.ToList().IndexOf(model.Tokenizer.EndId);
        var texts = new List<Tensor>();
        Tensor? pooled = null;
        foreach (var encoder in model.TextEncoders)
        {
            var ids = prompt.Ids.Select((id, i) => (long)(i < prompt.Length ? id : encoder.PadId)).ToArray();
            var states = new List<Tensor>();
            var output = encoder.Model.Forward(tensor(ids, [1, ids.Length], device: model.Device), states);
            texts.Add(takesVector ? states[^LastButOne] : output);
            // The last encoder's counts.
            pooled = encoder.Model.Pool(output, end);
        }

        var numbers = tensor(sizes.Numbers, [1, sizes.Numbers.Length], device: model.Device);
        return new Conditioning(cat(texts, -1), takesVector ? model.UNet.Vector(pooled!, numbers) : null);
    }
}
