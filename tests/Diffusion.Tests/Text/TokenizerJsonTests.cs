using System.Text.Json.Nodes;
using CsCheck;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

/// <summary>Tokenizers that are one file, <c>tokenizer.json</c>, mean what the same ones in two files do.</summary>
[Trait("Category", "Slow")]
public sealed class TokenizerJsonTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData(false, true, "roberta")]
    [InlineData(true, true, "template")]
    [InlineData(true, false, "sequence")]
    public void EveryTextIsSplitAsByTheTwoFiles(bool mergesAreLists, bool hasConfig, string ends)
    {
        var classic = SmallVocabulary.Fixture.Train();
        classic.Save(folder["two"]);
        Write(folder["one"], folder["two"], mergesAreLists, ends);
        if (hasConfig)
            File.Copy(Path.Combine(folder["two"], "tokenizer_config.json"), Path.Combine(folder["one"], "tokenizer_config.json"));
        var (two, one) = (ClipTokenizer.Load(folder["two"]), ClipTokenizer.Load(folder["one"]));
        Assert.Equal((two.MaxLength, two.StartId, two.EndId, two.PadId, two.VocabularySize), (one.MaxLength, one.StartId, one.EndId, one.PadId, one.VocabularySize));
        Assert.True(two.IsLike(one));
        UnicodeStrings.Any.Sample(text => Assert.Equal(two.Tokenize(text).Ids, one.Tokenize(text).Ids), iter: 200);
        Assert.All(SmallVocabulary.Fixture.Cases, expected => Assert.Equal(expected.Ids, one.Encode(expected.Text)));
    }

    [Fact]
    public void PaddingTruncationAndTheLengthAreRead()
    {
        SmallVocabulary.Fixture.Train().Save(folder["two"]);
        Write(folder["one"], folder["two"], mergesAreLists: true, "roberta", json =>
        {
            json["padding"] = new JsonObject { ["strategy"] = "BatchLongest", ["pad_token"] = "!", ["pad_id"] = 0 };
            json["truncation"] = new JsonObject { ["max_length"] = 20 };
        });
        var tokenizer = ClipTokenizer.Load(folder["one"]);
        Assert.Equal((20, 0), (tokenizer.MaxLength, tokenizer.PadId));
        // What the configuration says comes first; no limit at all is written as a very large number.
        File.WriteAllText(Path.Combine(folder["one"], "tokenizer_config.json"), """{"model_max_length":30,"pad_token":"<|endoftext|>","backend":"tokenizers"}""");
        tokenizer = ClipTokenizer.Load(folder["one"]);
        Assert.Equal((30, tokenizer.EndId), (tokenizer.MaxLength, tokenizer.PadId));
        File.WriteAllText(Path.Combine(folder["one"], "tokenizer_config.json"), """{"model_max_length":1000000000000000019884624838656}""");
        Assert.Equal(20, ClipTokenizer.Load(folder["one"]).MaxLength);
    }

    /// <summary>Special tokens may stand outside the vocabulary, and words may have been added to it.</summary>
    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("added_tokens.json")]
    public void AddedTokensAreRead(string file)
    {
        SmallVocabulary.Fixture.Train().Save(folder["two"]);
        var size = ClipTokenizer.Load(folder["two"]).VocabularySize;
        Write(folder["one"], folder["two"], mergesAreLists: false, "roberta", json =>
        {
            var vocabulary = json["model"]!["vocab"]!.AsObject();
            vocabulary.Remove("<|startoftext|>");
            vocabulary.Remove("<|endoftext|>");
            if (file == "tokenizer.json")
                json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = size, ["content"] = "<toy>", ["special"] = false });
        });
        if (file == "tokenizer_config.json")
            File.WriteAllText(Path.Combine(folder["one"], file), "{\"added_tokens_decoder\":{\"" + (size - 1) + "\":{\"content\":\"<|endoftext|>\"},\"" + size + "\":{\"content\":\"<toy>\"}}}");
        if (file == "added_tokens.json")
            File.WriteAllText(Path.Combine(folder["one"], file), "{\"<toy>\":" + size + "}");
        var tokenizer = ClipTokenizer.Load(folder["one"]);
        Assert.Equal(size + 1, tokenizer.VocabularySize);
        Assert.Equal([tokenizer.StartId, size, tokenizer.EndId], tokenizer.Encode("<toy>"));
        Assert.Equal((size - 2, size - 1), (tokenizer.StartId, tokenizer.EndId));
    }

    [Fact]
    public void BothTokenizersOfXlAreReadSoAndSingleFilesFindThem()
    {
        var model = SmallModel.Write(folder["xl"], SmallModel.XlShape);
        using (var before = StableDiffusionModel.Load(model))
        {
            ModelConverter.ToSingleFile(model, folder["xl.safetensors"], dtype: null);
            foreach (var name in new[] { "tokenizer", "tokenizer_2" })
            {
                var directory = Path.Combine(model, name);
                Write(directory, directory, mergesAreLists: true, "roberta");
                foreach (var old in new[] { "vocab.json", "merges.txt", "special_tokens_map.json" })
                    File.Delete(Path.Combine(directory, old));
            }

            using var after = StableDiffusionModel.Load(model);
            using var file = StableDiffusionModel.Load(folder["xl.safetensors"], options: new() { Tokenizer = model });
            Assert.Equal(before.TextEncoders.Select(encoder => encoder.PadId), after.TextEncoders.Select(encoder => encoder.PadId));
            Assert.Equal(before.Tokenizer.Encode("a cat"), after.Tokenizer.Encode("a cat"));
            Assert.Equal(before.Tokenizer.Encode("a cat"), file.Tokenizer.Encode("a cat"));
        }

        // A copy that fills up with another token keeps everything else.
        ModelConverter.ToDirectory(folder["xl.safetensors"], folder["copy"], dtype: null, new() { Tokenizer = Path.Combine(model, "tokenizer") });
        using var copied = StableDiffusionModel.Load(folder["copy"]);
        Assert.Equal(copied.Tokenizer.Encode("!")[1], copied.TextEncoders[1].PadId + 256);
    }

    [Theory]
    [InlineData("model.type", "\"WordPiece\"", "WordPiece")]
    [InlineData("model.end_of_word_suffix", "null", "end_of_word_suffix")]
    [InlineData("model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix")]
    [InlineData("model.merges", "[\"a b c\"]", "merge 1")]
    [InlineData("model.merges", "[[\"qq\",\"zz\"]]", "is not in tokenizer.json")]
    [InlineData("model.vocab", "{}", "special token")]
    [InlineData("model.vocab", "[]", "byte-pair tokenizer")]
    [InlineData("model", "null", "byte-pair tokenizer")]
    [InlineData("normalizer", "null", "lower-case")]
    [InlineData("added_tokens", "[{\"id\":5}]", "added token")]
    [InlineData("added_tokens", "[{\"id\":999999999,\"content\":\"<x>\"}]", "<x>")]
    [InlineData("added_tokens", "[{\"id\":9000,\"content\":\"two words\"}]", "two words")]
    public void OtherTokenizersAreRefused(string field, string value, string expected)
    {
        SmallVocabulary.Fixture.Train().Save(folder["two"]);
        Write(folder["one"], folder["two"], mergesAreLists: false, "roberta", json =>
        {
            var parts = field.Split('.');
            (parts.Length == 1 ? json : json[parts[0]]!.AsObject())[parts[^1]] = JsonNode.Parse(value);
        });
        var error = Assert.Throws<InvalidInputException>(() => ClipTokenizer.Load(folder["one"]));
        Assert.Contains(expected, error.Message);
        Assert.Contains("tokenizer.json", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>Whatever stands in the place of a value, the file is read, or refused in one line.</summary>
    [Fact]
    public void HalfOfASurrogatePairIsRefused()
    {
        SmallVocabulary.Fixture.Train().Save(folder["two"]);
        Write(folder["one"], folder["two"], mergesAreLists: false, "template", _ => { });
        var path = Path.Combine(folder["one"], "tokenizer.json");
        var text = File.ReadAllText(path);
        var half = text.Replace("\"Lowercase\"", "\"\\ud800\"", StringComparison.Ordinal);
        Assert.NotEqual(text, half);
        File.WriteAllText(path, half);
        Assert.Contains("surrogate", Assert.Throws<InvalidInputException>(() => ClipTokenizer.Load(folder["one"])).Message);
    }

    [Fact]
    public void AnyValueOfAnotherKindIsReadOrRefused()
    {
        SmallVocabulary.Fixture.Train().Save(folder["two"]);
        string[] values = ["null", "true", "5", "-1", "1e400", "\"\"", "\"x\"", "[]", "[1]", "[null]", "{}", "{\"id\":1}", "[{\"SpecialToken\":1}]", "[{\"SpecialToken\":{\"id\":1}}]"];
        Gen.Select(Gen.OneOf("roberta", "template", "sequence"), Gen.Double[0, 1], Gen.OneOf(values)).Sample(
            (ends, place, value) =>
            {
                Write(folder["one"], folder["two"], mergesAreLists: false, ends, json =>
                {
                    var places = Places(json).ToList();
                    places[(int)(place * (places.Count - 1))](JsonNode.Parse(value));
                });
                try
                {
                    ClipTokenizer.Load(folder["one"]);
                }
                catch (InvalidInputException e)
                {
                    Assert.Contains("tokenizer.json", e.Message);
                    Assert.DoesNotContain('\n', e.Message);
                }
            },
            iter: 200, threads: 1);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Every value of a document as what puts another one in its place; of long objects and lists the first few.</summary>
    private static IEnumerable<Action<JsonNode?>> Places(JsonNode? node) => node switch
    {
        JsonObject fields => fields.Take(12).ToList().SelectMany(field => Places(field.Value).Prepend(value => fields[field.Key] = value)),
        JsonArray items => Enumerable.Range(0, Math.Min(items.Count, 4)).SelectMany(i => Places(items[i]).Prepend(value => items[i] = value)),
        _ => [],
    };

    /// <summary>Writes the file as the tokenizers library does, from a directory in two files.</summary>
    private static void Write(string directory, string from, bool mergesAreLists, string ends, Action<JsonObject>? change = null)
    {
        var vocabulary = JsonNode.Parse(File.ReadAllText(Path.Combine(from, "vocab.json")))!.AsObject();
        var merges = File.ReadAllLines(Path.Combine(from, "merges.txt")).Skip(1).Select(line => line.Split(' '));
        var (start, end) = (vocabulary["<|startoftext|>"]!.GetValue<int>(), vocabulary["<|endoftext|>"]!.GetValue<int>());
        var roberta = new JsonObject { ["type"] = "RobertaProcessing", ["sep"] = new JsonArray("<|endoftext|>", end), ["cls"] = new JsonArray("<|startoftext|>", start), ["trim_offsets"] = false };
        var template = JsonNode.Parse("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|startoftext|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"<|endoftext|>","type_id":0}}]}""");
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(
                new JsonObject { ["id"] = start, ["content"] = "<|startoftext|>", ["special"] = true },
                new JsonObject { ["id"] = end, ["content"] = "<|endoftext|>", ["special"] = true }),
            ["normalizer"] = JsonNode.Parse("""{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}"""),
            ["post_processor"] = ends switch
            {
                "roberta" => roberta,
                "template" => template,
                _ => new JsonObject { ["type"] = "Sequence", ["processors"] = new JsonArray(new JsonObject { ["type"] = "ByteLevel" }, template) },
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = "<|endoftext|>",
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "</w>",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(pair => mergesAreLists ? (JsonNode)new JsonArray(pair[0], pair[1]) : $"{pair[0]} {pair[1]}")]),
            },
        };
        change?.Invoke(json);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "tokenizer.json"), json.ToJsonString());
    }
}
