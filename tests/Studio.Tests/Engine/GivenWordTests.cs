using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class GivenWordTests : IAsyncDisposable
{
    private const string Word = "<my-house>", Model = "storybook";

    private readonly TemporaryFolder folder = new();
    private readonly TestEngine test = new();

    public async ValueTask DisposeAsync()
    {
        await test.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task AWordOfTheCommandLineReplacesTheLearnedOne()
    {
        await test.Restart(models: [LoraFiles.Model]);
        using var vectors = linspace(-1, 1, 32).view(1, 32);
        test.Engine.Catalog.AddWord(Model, new WordVectors(Word, [vectors]));
        Assert.Equal([Word], test.Engine.Catalog.AddedWordsOf(Model));
        var learned = await test.Make(TestEngine.House with { Prompt = $"a white {Word} in a field" });

        using var others = -vectors;
        new WordVectors(Word.ToUpperInvariant(), [others]).Save(folder["given.safetensors"]);
        IReadOnlyList<TextEmbedding> given = [new(folder["given.safetensors"])];
        await test.Restart(models: [LoraFiles.Model with
        {
            Embeddings = given,
            Load = () => Load([], given),
            LoadWith = (loras, words) => Load(loras, [.. given, .. words]),
        }]);
        Assert.Empty(test.Engine.Catalog.AddedWordsOf(Model));
        Assert.Empty(test.Engine.Catalog.WordKeyOf(Model, [Word]));
        Assert.Equal("Word", Assert.Throws<InvalidInputException>(() => test.Engine.Catalog.RequireNewWord(Model, Word)).Setting);
        Assert.NotEqual(learned.Picture, (await test.Make(TestEngine.House with { Prompt = $"a white {Word} in a field" })).Picture);
    }

    [Fact]
    public async Task ALoraMayBundleNoLearnedWordAndItsWordsAreNotLearned()
    {
        await test.Restart(models: [LoraFiles.Model]);
        using var vectors = ones(1, 32);
        test.Engine.Catalog.AddWord(Model, new WordVectors(Word, [vectors]));
        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => AddLora(Word));
        Assert.Contains($"It defines the word {Word}", refused.Message, StringComparison.Ordinal);
        test.Engine.Catalog.RemoveWord(Model, Word);
        await AddLora(Word);
        Assert.Equal("Word", Assert.Throws<InvalidInputException>(() => test.Engine.Catalog.RequireNewWord(Model, Word)).Setting);
    }

    [Fact]
    public async Task AnotherLoraOfTheSameNameHasItsOwnWords()
    {
        await test.Restart(models: [LoraFiles.Model with
        {
            LoadTokenizer = (loras, words) => StableDiffusionModel.LoadTokenizer(TinyModel.Shared.Folder, new() { Loras = loras, Embeddings = words }),
        }]);
        var (catalog, recipe) = (test.Engine.Catalog, TestEngine.House with { Model = Model, Loras = "style:1" });
        foreach (var word in new[] { "<my-house>", "<my-tower>" })
        {
            await AddLora(word);
            Assert.True(catalog.TokenizerFor(recipe)!.IsAdded(word));
            Assert.Equal([word], catalog.LearnedWordsOf(Model));
            Assert.Same(catalog.TokenizerFor(recipe), catalog.TokenizerFor(recipe));
            Assert.True(catalog.RemoveLora(Model, "style"));
            Assert.Empty(catalog.LearnedWordsOf(Model));
        }

        Assert.Null(catalog.TokenizerFor(recipe));
    }

    [Fact]
    public async Task AWordThatIsLearnedAgainReplacesItsTokens()
    {
        await test.Restart(models: [LoraFiles.Model with
        {
            LoadTokenizer = (loras, words) => StableDiffusionModel.LoadTokenizer(TinyModel.Shared.Folder, new() { Loras = loras, Embeddings = words }),
        }]);
        foreach (var tokens in new[] { 1, 3 })
        {
            using var vectors = ones(tokens, 32);
            test.Engine.Catalog.AddWord(Model, new WordVectors(Word, [vectors]));
            Assert.Equal(tokens + 2, test.Engine.Catalog.TokenizerFor(TestEngine.House with { Model = Model })!.Encode(Word).Count);
        }
    }

    private async Task AddLora(string word)
    {
        using var vectors = ones(1, 32);
        SafetensorsWriter.Write(folder["style.safetensors"], new Dictionary<string, Tensor>
        {
            ["lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_down.weight"] = vectors,
            ["lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_up.weight"] = vectors.T,
            [$"bundle_emb.{word}.string_to_param.*"] = vectors,
        });
        await using var file = File.OpenRead(folder["style.safetensors"]);
        await test.Engine.AddLora(Model, "style.safetensors", file, TestContext.Current.CancellationToken);
    }

    private static StableDiffusionModel Load(IReadOnlyList<Lora> loras, IReadOnlyList<TextEmbedding> words) =>
        StableDiffusionModel.Load(TinyModel.Shared.Folder, options: new() { Loras = loras, Embeddings = words });
}
