using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

public sealed class BpeVocabularyTests
{
    public static TheoryData<string, string?, string> Damage => new()
    {
        { "vocab.json", null, "is missing" },
        { "merges.txt", null, "is missing" },
        { "tokenizer_config.json", null, "is missing" },
        { "vocab.json", "", "is an empty file" },
        { "vocab.json", "{\"a\":", "is not JSON" },
        { "vocab.json", "[1]", "is not a JSON object" },
        { "vocab.json", "{}", "has no token for the byte symbol" },
        { "vocab.json", "{\"a\":\"0\"}", "an id that is not a number" },
        { "vocab.json", "{\"a\":7}", "an id that is not a number" },
        { "vocab.json", "{\"a\\nb\":-1}", "an id that is not a number" },
        { "vocab.json", "{\"a\":0,\"b\":0}", "twice" },
        { "vocab.json", "{\"a\":0,\"a\":1}", "twice" },
        { "merges.txt", "#version: 0.2\na b c\n", "line 2 is not a pair" },
        { "merges.txt", "ab\n", "line 1 is not a pair" },
        { "merges.txt", "#version: 0.2\nqq zz\n", "is not in vocab.json" },
        { "tokenizer_config.json", "{}", "has no \"model_max_length\"" },
        { "tokenizer_config.json", "{\"model_max_length\":1}", "has no \"model_max_length\"" },
        { "tokenizer_config.json", "{\"model_max_length\":1000000000000000019884624838656}", "has no \"model_max_length\"" },
        { "tokenizer_config.json", "{\"model_max_length\":77,\"pad_token\":\"<pad>\"}", "does not contain the special token \"<pad>\"" },
        { "special_tokens_map.json", "{", "is not JSON" },
    };

    [Fact]
    public void PaddingAddsIdsThatNoTextIsGiven()
    {
        var trained = SmallVocabulary.Fixture.Train();
        var size = trained.Tokens.Count + 100;
        var padded = trained.PadTo(size);
        Assert.Equal(size, padded.Tokens.Count);
        var (before, after) = (new ClipTokenizer(trained), new ClipTokenizer(padded));
        Assert.Equal((size - 2, size - 1), (after.StartId, after.EndId));
        var text = string.Join(' ', padded.Tokens.TakeLast(10));
        Assert.Equal(Ordinary(before), Ordinary(after));
        Assert.Throws<ArgumentOutOfRangeException>(() => padded.PadTo(size - 1));

        IEnumerable<int> Ordinary(ClipTokenizer tokenizer) => tokenizer.Tokenize(text).Ids.Where(id => id < tokenizer.StartId);
    }

    [Fact]
    public void WhatIsSavedIsLoaded()
    {
        using var directory = new TemporaryFolder();
        var saved = SmallVocabulary.Fixture.Train();
        saved.Save(Path.Combine(directory.Path, "new", "tokenizer"), maxLength: 32);
        var loaded = BpeVocabulary.Load(Path.Combine(directory.Path, "new", "tokenizer"));
        Assert.Equal(saved.Tokens, loaded.Tokens);
        Assert.Equal(saved.Merges, loaded.Merges);

        var tokenizer = ClipTokenizer.Load(Path.Combine(directory.Path, "new", "tokenizer"));
        Assert.Equal(32, tokenizer.MaxLength);
        Assert.Equal(saved.Tokens.Count, tokenizer.VocabularySize);
        Assert.Equal((tokenizer.VocabularySize - 2, tokenizer.VocabularySize - 1), (tokenizer.StartId, tokenizer.EndId));
        Assert.Equal(tokenizer.EndId, tokenizer.PadId);
        Assert.All(SmallVocabulary.Fixture.Cases, c => Assert.Equal(c.Ids, tokenizer.Encode(c.Text)));
    }

    [Fact]
    public void MergesBeginWithTheVersionAndMayBeginWithTheSameCharacter()
    {
        using var directory = new TemporaryFolder();
        BpeTrainer.Train(["##"], 1).Save(directory.Path);
        Assert.Equal(["#version: 0.2", "# #</w>"], File.ReadAllLines(Path.Combine(directory.Path, "merges.txt")));
        Assert.Equal([("#", "#</w>")], BpeVocabulary.Load(directory.Path).Merges);
    }

    [Fact]
    public void SpecialTokensComeFromTheConfigurationAndElseFromTheMap()
    {
        using var directory = new TemporaryFolder();
        SmallVocabulary.Fixture.Train().Save(directory.Path);
        Write(directory, "tokenizer_config.json", """{"model_max_length":20,"pad_token":{"content":"!"}}""");
        const string Map = """{"bos_token":{"content":"<|startoftext|>"},"eos_token":"<|endoftext|>","pad_token":"a"}""";
        Write(directory, "special_tokens_map.json", Map);
        var tokenizer = ClipTokenizer.Load(directory.Path);
        Assert.Equal(0, tokenizer.PadId);
        Assert.Equal(20, tokenizer.MaxLength);

        File.Delete(Path.Combine(directory.Path, "special_tokens_map.json"));
        var error = Assert.Throws<InvalidInputException>(() => ClipTokenizer.Load(directory.Path));
        Assert.Contains("has no \"bos_token\"", error.Message);
    }

    [Theory]
    [MemberData(nameof(Damage))]
    public void ADamagedDirectoryIsRefusedInOneLine(string file, string? content, string what)
    {
        using var directory = new TemporaryFolder();
        SmallVocabulary.Fixture.Train().Save(directory.Path);
        if (content is null)
            File.Delete(Path.Combine(directory.Path, file));
        else
            Write(directory, file, content);
        var error = Assert.Throws<InvalidInputException>(() => ClipTokenizer.Load(directory.Path));
        Assert.Contains(what, error.Message);
        Assert.Contains(directory.Path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void ADirectoryThatIsNotThereIsRefused() =>
        Assert.Throws<InvalidInputException>(() => ClipTokenizer.Load(Path.Combine(AppContext.BaseDirectory, "no-such-tokenizer")));

    [Fact]
    public void BytesThatAreNoTextAreRefused()
    {
        using var directory = new TemporaryFolder();
        SmallVocabulary.Fixture.Train().Save(directory.Path);
        File.WriteAllBytes(Path.Combine(directory.Path, "merges.txt"), [0x61, 0xFF, 0x20, 0x62]);
        var error = Assert.Throws<InvalidInputException>(() => ClipTokenizer.Load(directory.Path));
        Assert.Contains("cannot be read as UTF-8", error.Message);
    }

    private static void Write(TemporaryFolder directory, string file, string content) =>
        File.WriteAllText(Path.Combine(directory.Path, file), content);
}
