using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.Tests.Storage.Pickles;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Adapters;

public sealed class TextEmbeddingTests(SmallModels models) : IClassFixture<SmallModels>, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator random = new(7);

    /// <summary>A word whose vectors are those of other words is read as they are.</summary>
    [Theory]
    [InlineData("emb_params", "toy.safetensors", null, "toy")]
    [InlineData("<cat-toy>", "learned_embeds.safetensors", null, "<cat-toy>")]
    [InlineData("<cat-toy>", "learned_embeds.safetensors", "thing", "thing")]
    public void AWordStandsForItsVectors(string name, string file, string? given, string word)
    {
        using var plain = StableDiffusionModel.Load(models.Plain);
        var ids = plain.Tokenizer.Encode("a cat").Skip(1).SkipLast(1).ToList();
        Save(file, (name, Rows(models.Plain, "text_encoder", ids)));

        using var model = StableDiffusionModel.Load(models.Plain, options: Options(new TextEmbedding(folder[file], given)));

        var prompt = model.Tokenizer.Tokenize($"cat {word.ToUpperInvariant()}, cat");
        Assert.Equal(Enumerable.Range(SmallModel.Tokens, ids.Count), prompt.Words[1].BareTokens.Select(position => prompt.Ids[position]));
        Assert.True(TextConditioning.Encode(plain, [plain.Tokenizer.Tokenize("cat a cat, cat")]).Text
            .allclose(TextConditioning.Encode(model, [prompt]).Text, atol: 1e-5));
        Assert.NotEqual(plain.Fingerprint, model.Fingerprint);
        Assert.Equal(prompt.Ids, StableDiffusionModel.LoadTokenizer(models.Plain, Options(new TextEmbedding(folder[file], given))).Tokenize(prompt.Text).Ids);
    }

    [Fact]
    public void APickledWordIsReadAndAOneDimensionalOneIsOneVector()
    {
        var numbers = Numbers(32);
        var storage = PickleBytes.Floats([.. numbers.data<float>()]);
        var pickle = new PickleBytes().Op('}').Text("string_to_param").Op('}').Text("*").Tensor("FloatStorage", "0", 32, [1, 32], [32, 1]).Op('s').Op('s').End();
        File.WriteAllBytes(folder["style.pt"], PickleBytes.Archive(pickle, ("0", storage)));
        Save("bin.safetensors", ("<s>", numbers));

        using var pickled = StableDiffusionModel.Load(models.Plain, options: Options(new TextEmbedding(folder["style.pt"])));
        using var flat = StableDiffusionModel.Load(models.Plain, options: Options(new TextEmbedding(folder["bin.safetensors"], "style")));

        Assert.True(Encode(pickled, "a style").Equals(Encode(flat, "a style")));
        Assert.Equal(SmallModel.Tokens + 1, pickled.Tokenizer.VocabularySize);
    }

    [Fact]
    public void TwoTextEncodersHaveVectorsOfTheirOwn()
    {
        using var plain = StableDiffusionModel.Load(models.Xl);
        var ids = plain.Tokenizer.Encode("a cat").Skip(1).SkipLast(1).ToList();
        Save("toy.safetensors", ("clip_l", Rows(models.Xl, "text_encoder", ids)), ("clip_g", Rows(models.Xl, "text_encoder_2", ids)));
        Save("other.safetensors", ("clip_l", Numbers(1, 24)), ("clip_g", Numbers(1, 32)));

        using var model = StableDiffusionModel.Load(
            models.Xl, options: Options(new TextEmbedding(folder["other.safetensors"]), new TextEmbedding(folder["toy.safetensors"])));

        var expected = TextConditioning.Encode(plain, [plain.Tokenizer.Tokenize("a cat cat")]);
        var found = TextConditioning.Encode(model, [model.Tokenizer.Tokenize("toy cat")]);
        Assert.True(expected.Text.allclose(found.Text, atol: 1e-5));
        Assert.True(expected.Vector!.allclose(found.Vector!, atol: 1e-5));
        Assert.False(expected.Text.allclose(TextConditioning.Encode(model, [model.Tokenizer.Tokenize("other cat")]).Text, atol: 1e-3));
    }

    [Fact]
    public void FilesThatDoNotFitAreOneClearLine()
    {
        Save("x.safetensors", ("emb_params", Numbers(2, 48)));
        Refused("vectors of width 48", "x.safetensors");
        Save("x.safetensors", ("clip_l", Numbers(2, 32)), ("clip_g", Numbers(2, 32)));
        Refused("has one tensor", "x.safetensors");
        Save("x.safetensors", ("emb_params", Numbers(2, 32, 1)));
        Refused("[2, 32, 1]", "x.safetensors");
        Save("my toy.safetensors", ("emb_params", Numbers(2, 32)));
        Refused("my-word=", "my toy.safetensors");
        Save("x.safetensors", ("emb_params", Numbers(2, 32)));
        Refused("Two embeddings define the word \"x\"", "x.safetensors", "x.safetensors");
        Save("x.safetensors", ("emb_params", Numbers(2, 24)));
        Assert.Contains("clip_l and clip_g", Assert.Throws<InvalidInputException>(
            () => StableDiffusionModel.Load(models.Xl, options: Options(new TextEmbedding(folder["x.safetensors"])))).Message);
    }

    [Fact]
    public void VectorsThatAreNoNumbersAreRefused()
    {
        Save("nan.safetensors", ("<x>", full(1, 32, float.NaN)));
        Save("whole.safetensors", ("<x>", ones(1, 32, dtype: ScalarType.Int32)));
        Save("none.safetensors");
        foreach (var (file, expected) in new[] { ("nan", "NaN"), ("whole", "Int32"), ("none", "contains no tensors") })
        {
            var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(models.Plain, options: Options(new TextEmbedding(folder[$"{file}.safetensors"])))).Message;
            Assert.Contains(expected, error);
            Assert.Contains($"{file}.safetensors", error);
        }
    }

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    private static ModelLoadOptions Options(params TextEmbedding[] embeddings) => new() { Embeddings = embeddings };

    private static Tensor Rows(string model, string part, IEnumerable<int> ids)
    {
        using var file = SafetensorsFile.Open(Path.Combine(model, part, "model.safetensors"));
        return file.Read("text_model.embeddings.token_embedding.weight").index_select(0, tensor(ids.Select(id => (long)id).ToArray()));
    }

    private static Tensor Encode(StableDiffusionModel model, string prompt) => TextConditioning.Encode(model, [model.Tokenizer.Tokenize(prompt)]).Text;

    private Tensor Numbers(params long[] shape) => randn(shape, generator: random);

    private void Save(string name, params (string Name, Tensor Tensor)[] tensors) =>
        SafetensorsWriter.Write(folder[name], tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Tensor));

    private void Refused(string expected, params string[] files)
    {
        var options = Options([.. files.Select(file => new TextEmbedding(folder[file]))]);
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(models.Plain, options: options));
        Assert.Contains(expected, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
