using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

public sealed class TextConditioningTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>From the prompts' texts to what the U-Net reads, with the published implementation's numbers.</summary>
    [Fact]
    public void TwoTextEncodersMatchTheReference()
    {
        using var reference = new ReferenceModel("tiny-sdxl");
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(
            ReferenceModel.Folder("tiny-sdxl"), options: new() { Tokenizer = ReferenceModel.Folder("tiny-sd15") });
        var text = reference.Goldens("text");
        var ids = text.Read("text_encoder.input_ids");
        var prompts = Prompts(model, ids);
        Assert.Equal(ids.data<long>().ToArray(), prompts.SelectMany(prompt => prompt.Ids.Select(id => (long)id)));
        var sizes = new SizeConditioning(new PixelSize(512, 384), CropTop: 16, CropLeft: 32, Target: new PixelSize(1024, 768));

        var found = TextConditioning.Encode(model, prompts, sizes);

        ReferenceModel.AssertClose(text, "prompt_embeds", found.Text);
        ReferenceModel.AssertClose(text, "pooled_prompt_embeds", found.Vector!.slice(1, 0, 20, 1));
        using var expected = UNet2DConditionModel.Vector(model.Shape.UNet, text.Read("pooled_prompt_embeds"), tensor(new float[] { 384, 512, 16, 32, 768, 1024 }).expand(3, 6));
        Assert.True(expected.allclose(found.Vector!, atol: 1e-4));
    }

    [Fact]
    public void PromptsAreEncodedOneByOneAndFilledUpForEachEncoder()
    {
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"], SmallModel.XlShape));
        var (first, second) = (model.Tokenizer.Tokenize("a cat"), model.Tokenizer.Tokenize("a"));

        var together = TextConditioning.Encode(model, [first, second]);
        var alone = TextConditioning.Encode(model, [second]);

        Assert.Equal([2, 77, 56], together.Text.shape);
        Assert.Equal([2, 68], together.Vector!.shape);
        Assert.True(together.Text[1].Equals(alone.Text[0]));
        Assert.True(together.Vector[1].Equals(alone.Vector![0]));
        Assert.Equal([model.Tokenizer.PadId, 0], model.TextEncoders.Select(encoder => encoder.PadId));
        // The second encoder fills up with another token than the first, and so makes something else of its last positions.
        var ids = tensor(first.Ids.Select(id => (long)id).ToArray(), [1, 77]);
        var hidden = new List<Tensor>();
        model.TextEncoders[1].Model.Forward(ids, hidden);
        Assert.True(hidden[^2].slice(1, 0, first.Length, 1).allclose(together.Text.slice(2, 24, 56, 1)[..1].slice(1, 0, first.Length, 1), atol: 1e-5));
        Assert.False(hidden[^2].slice(1, first.Length, 77, 1).allclose(together.Text.slice(2, 24, 56, 1)[..1].slice(1, first.Length, 77, 1), atol: 1e-5));
    }

    [Fact]
    public void AnEmptyPromptIsZerosWhereTheModelWasTrainedSo()
    {
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"], SmallModel.XlShape));
        var sizes = SizeConditioning.Of(new PixelSize(16, 16));

        var empty = TextConditioning.EncodeNegative(model, "", sizes);
        var negative = TextConditioning.EncodeNegative(model, "cat", sizes);

        Assert.Equal(0, empty.Text.abs().max().item<float>());
        Assert.Equal(0, empty.Vector!.slice(1, 0, 20, 1).abs().max().item<float>());
        Assert.True(empty.Vector.slice(1, 20, 68, 1).Equals(negative.Vector!.slice(1, 20, 68, 1)));
        Assert.True(negative.Text.abs().max().item<float>() > 0);
        using var other = StableDiffusionModel.Load(SmallModel.Write(folder["n"], SmallModel.XlShape with { ZerosForEmptyPrompt = false }));
        Assert.True(TextConditioning.EncodeNegative(other, "", sizes).Text.abs().max().item<float>() > 0);
    }

    [Fact]
    public void WindowsAreReadOneByOne()
    {
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"], SmallModel.XlShape));
        var (cats, rest) = (string.Join(' ', Enumerable.Repeat("cat", 75)), "a cat");

        var found = TextConditioning.Encode(model, [model.Tokenizer.TokenizeChunks($"{cats} {rest}", 2)]);
        var parts = TextConditioning.Encode(model, [model.Tokenizer.Tokenize(cats), model.Tokenizer.Tokenize(rest)]);

        Assert.Equal([1, 154, 56], found.Text.shape);
        Assert.True(found.Text.view(2, 77, 56).allclose(parts.Text, atol: 1e-6));
        Assert.True(found.Vector!.allclose(parts.Vector![..1], atol: 1e-6));
    }

    [Fact]
    public void EmphasisLeadsAwayFromTheEmptyPrompt()
    {
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"], SmallModel.Shape));
        var cat = model.Tokenizer.Tokenize("a cat");
        Tensor At(float weight) => TextConditioning.Encode(
            model, [cat with { Emphasis = [.. cat.Ids.Select((_, k) => cat.Words[1].Tokens.Contains(k) ? weight : 1)] }]).Text[0];
        var (plain, nothing) = (TextConditioning.Encode(model, [cat]).Text[0], TextConditioning.EncodeNegative(model, "").Text[0]);

        Assert.True(At(1).allclose(plain, atol: 1e-6));
        foreach (var place in cat.Words[1].Tokens)
        {
            Assert.True(At(0)[place].allclose(nothing[place], atol: 1e-6));
            Assert.True((At(2)[place] - plain[place]).allclose(plain[place] - nothing[place], atol: 1e-5));
        }

        Assert.True(At(2)[cat.Words[0].Tokens[0]].allclose(plain[cat.Words[0].Tokens[0]], atol: 1e-6));
    }

    [Fact]
    public void LayersThatAreSkippedAreLeftOut()
    {
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(SmallModel.Write(
            folder["m"], SmallModel.Shape with { TextEncoder = SmallModel.Shape.TextEncoder with { Layers = 3 } }));
        var cat = model.Tokenizer.Tokenize("a cat");
        var encoder = model.TextEncoders[0].Model;
        var states = new List<Tensor>();
        encoder.Forward(tensor(cat.Ids.Select(id => (long)id).ToArray(), [1, cat.Ids.Count]), states);

        Assert.True(TextConditioning.Encode(model, [cat], clipSkip: 2).Text.allclose(encoder.Normalize(states[1]), atol: 1e-6));
        Assert.True(TextConditioning.Encode(model, [cat], clipSkip: 0).Text.allclose(encoder.Normalize(states[3]), atol: 1e-6));
        Assert.Contains("0 to 2", Assert.Throws<InvalidInputException>(() => TextConditioning.Encode(model, [cat], clipSkip: 3)).Message);
    }

    /// <summary>Without its last layer, of two, the reference's state of the first, normalized number by number as the last one's would be.</summary>
    [Fact]
    public void ASkippedLayerLeavesTheReferencesStateBeforeIt()
    {
        using var reference = new ReferenceModel("tiny-sd15");
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(ReferenceModel.Folder("tiny-sd15"));
        var text = reference.Goldens("text");
        var state = text.Read("text.hidden_states.1");
        var weights = reference.Weights("text_encoder");
        var (gains, shifts) = (Norm("weight"), Norm("bias"));
        var expected = state.data<float>().ToArray().Chunk(gains.Length).SelectMany(numbers =>
        {
            var mean = numbers.Average(number => (double)number);
            var deviation = Math.Sqrt(numbers.Average(number => (number - mean) * (number - mean)) + 1e-5);
            return numbers.Select((number, i) => (float)(((number - mean) / deviation * gains[i]) + shifts[i]));
        }).ToArray();

        var found = TextConditioning.Encode(model, Prompts(model, text.Read("text.input_ids")), clipSkip: 1).Text;

        AssertClose(tensor(expected, state.shape), found, 1e-4, "clip skip");

        float[] Norm(string kind) => weights.Read($"text_model.final_layer_norm.{kind}").data<float>().ToArray();
    }

    /// <summary>Models that read the last but one layer of both encoders read the one before it, as it is.</summary>
    [Fact]
    public void ASkippedLayerOfXlLeavesTheReferencesStatesBeforeIt()
    {
        using var reference = new ReferenceModel("tiny-sdxl");
        using var scope = NewDisposeScope();
        using var model = StableDiffusionModel.Load(ReferenceModel.Folder("tiny-sdxl"), options: new() { Tokenizer = ReferenceModel.Folder("tiny-sd15") });
        var text = reference.Goldens("text");

        var found = TextConditioning.Encode(model, Prompts(model, text.Read("text_encoder.input_ids")), clipSkip: 1).Text;

        // They have three and four layers; state 0 is what goes in.
        AssertClose(cat([text.Read("text_encoder.hidden_states.1"), text.Read("text_encoder_2.hidden_states.2")], -1), found, 1e-4, "clip skip");
    }

    [Fact]
    public void TokenizersOfDifferentWordsAreRefused()
    {
        var path = SmallModel.Write(folder["m"], SmallModel.XlShape);
        BpeTrainer.Train(["a dog"], merges: 10).PadTo(SmallModel.Tokens).Save(Path.Combine(path, "tokenizer_2"));
        Assert.Contains("tokenizer_2/", Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(path)).Message);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>The prompts that the reference's ids stand for.</summary>
    private static List<TokenizedPrompt> Prompts(StableDiffusionModel model, Tensor ids) =>
    [
        .. Enumerable.Range(0, (int)ids.shape[0]).Select(row => model.Tokenizer.Tokenize(model.Tokenizer.Decode(ids[row].data<long>().Select(id => (int)id)))),
    ];
}
