using System.Text.Json;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

/// <summary>
/// CLIP's own vocabulary against the upstream tokenizer's answers. Both are in the reference folder; without it these tests are skipped.
/// </summary>
public sealed class ClipTokenizerReferenceTests
{
    private static readonly Lazy<ClipTokenizer> Tokenizer = new(() => ClipTokenizer.Load(ReferenceFolder.Require("tiny-sd15", "tokenizer")));

    [Fact]
    public void IdsEqualTheReference() => ForEachCase((tokenizer, prompt, json) =>
    {
        // Without ftfy and HTML entities, which belong to web text and not to prompts, a few cases have their own answer.
        var expected = json.TryGetProperty("encode_nfc_lower_no_ftfy_no_html", out var plain) ? plain : json.GetProperty("encode");
        Assert.Equal((prompt, Join(Ints(expected))), (prompt, Join(tokenizer.Encode(prompt))));
    });

    [Fact]
    public void PaddedAndTruncatedIdsEqualTheReference() => ForEachPortableCase((tokenizer, prompt, json) =>
    {
        var tokenized = tokenizer.Tokenize(prompt);
        Assert.Equal((prompt, Join(Ints(json.GetProperty("ids77_pad_eos")))), (prompt, Join(tokenized.Ids)));
        Assert.Equal((prompt, json.GetProperty("truncated").GetBoolean()), (prompt, tokenized.Truncated.Count > 0));
    });

    [Fact]
    public void StableDiffusion2PadsWithId0()
    {
        using var directory = new TemporaryFolder();
        foreach (var file in new[] { "vocab.json", "merges.txt" })
            File.Copy(Path.Combine(ReferenceFolder.Require("tiny-sd15", "tokenizer"), file), Path.Combine(directory.Path, file));
        foreach (var file in new[] { "tokenizer_config.json", "special_tokens_map.json" })
            File.Copy(Path.Combine(ReferenceFolder.Require("tiny-sd21", "tokenizer"), file), Path.Combine(directory.Path, file));
        var tokenizer = ClipTokenizer.Load(directory.Path);
        Assert.Equal(0, tokenizer.PadId);
        ForEachPortableCase((_, prompt, json) =>
            Assert.Equal((prompt, Join(Ints(json.GetProperty("ids77_pad_0")))), (prompt, Join(tokenizer.Tokenize(prompt).Ids))));
    }

    [Fact]
    public void TokenTextsEqualTheReference() => ForEachPortableCase((tokenizer, prompt, json) =>
    {
        if (!json.TryGetProperty("tokens_decoded", out var decoded))
            return;
        var expected = decoded.EnumerateArray().Select(token => token.GetString()!).ToArray();
        Assert.Equal(expected, tokenizer.Encode(prompt).Select(tokenizer.Decode));
        var tokenized = tokenizer.Tokenize(prompt);
        if (tokenized.Truncated.Count == 0)
            Assert.Equal(expected, tokenized.Tokens);
    });

    [Fact]
    public void WordPositionsEqualTheReferenceInAscii()
    {
        var compared = 0;
        ForEachPortableCase((tokenizer, prompt, json) =>
        {
            if (!IsPlain(prompt))
                return;
            var words = tokenizer.Tokenize(prompt).Words;
            foreach (var answer in json.GetProperty("word_inds").EnumerateArray())
            {
                if (!answer.TryGetProperty("word_index", out var index) || index.GetInt32() >= words.Count)
                    continue;
                var word = words[index.GetInt32()];
                Assert.Equal((prompt, word.Text, Join(Ints(answer.GetProperty("inds")))), (prompt, word.Text, Join(word.Tokens)));
                compared++;
            }
        });
        Assert.Equal(180, compared);
    }

    [Fact]
    public void AWordFoundByNameHasThePositionsOfTheReference()
    {
        var compared = 0;
        ForEachPortableCase((tokenizer, prompt, json) =>
        {
            var tokenized = tokenizer.Tokenize(prompt);
            var written = UnicodeStrings.Words(prompt);
            if (!IsPlain(prompt) || tokenized.Truncated.Count > 0)
                return;
            foreach (var answer in json.GetProperty("word_inds").EnumerateArray())
            {
                // Upstream tells "A" from "a" and "cat" from "cat,": only words written in one way can agree.
                if (!answer.TryGetProperty("word", out var word) || Variants(word.GetString()!) != 1)
                    continue;
                Assert.Equal((prompt, Join(Ints(answer.GetProperty("inds")))), (prompt, Join(tokenized.Find(word.GetString()!))));
                compared++;
            }

            int Variants(string name) => written.Where(w => Bare(w) == Bare(name)).Distinct().Count();
        });
        Assert.Equal(137, compared);

        static string Bare(string word) => word.ToLowerInvariant().Trim([.. word.Where(char.IsPunctuation)]);
    }

    // Upstream cuts words at single spaces only, and its positions are off by one after a "#", which it drops from every token.
    private static bool IsPlain(string prompt) =>
        prompt.All(char.IsAscii) && !prompt.Contains('#') && prompt.Split(' ').SequenceEqual(UnicodeStrings.Words(prompt));

    private static void ForEachPortableCase(Action<ClipTokenizer, string, JsonElement> check) => ForEachCase((tokenizer, prompt, json) =>
    {
        if (json.GetProperty("portable").GetBoolean())
            check(tokenizer, prompt, json);
    });

    private static void ForEachCase(Action<ClipTokenizer, string, JsonElement> check)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(ReferenceFolder.Require("tokenizer", "cases.json")));
        var cases = json.RootElement.GetProperty("cases").EnumerateArray().ToArray();
        Assert.Equal(72, cases.Length);
        foreach (var element in cases)
            check(Tokenizer.Value, element.GetProperty("prompt").GetString()!, element);
    }

    private static IEnumerable<int> Ints(JsonElement array) => array.EnumerateArray().Select(id => id.GetInt32());

    private static string Join(IEnumerable<int> ids) => string.Join(' ', ids);
}
