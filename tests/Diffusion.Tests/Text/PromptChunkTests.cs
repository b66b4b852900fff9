using CsCheck;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

public sealed class PromptChunkTests
{
    private const int Length = 7;
    private static readonly string[] Known = ["a", "red", "cat", "snow"];
    private readonly ClipTokenizer tokenizer = new(BpeTrainer.Train(["a red cat snow"], merges: 100), Length);

    /// <summary>Prompts of words of one token each, and of words that are spelled, some of them longer than a window.</summary>
    private static Gen<string> Prompts { get; } = Gen.OneOf(Gen.Int[0, 3].Select(k => Known[k]), Gen.Char['b', 'z'].Array[1, 9].Select(letters => new string(letters)))
        .Array[0, 12].Select(words => string.Join(' ', words));

    [Fact]
    public void WindowsHoldTheWholePromptInOrder() => Prompts.Sample(text =>
    {
        var windows = tokenizer.ChunksOf(text);
        var prompt = tokenizer.TokenizeChunks(text, windows);
        Assert.Equal(Length * windows, prompt.Ids.Count);
        if (windows < ClipTokenizer.MaxChunks)
            Assert.Empty(prompt.Truncated);
        Assert.True(windows == 1 || tokenizer.TokenizeChunks(text, windows - 1).Truncated.Count > 0);
        for (var w = 0; w < windows; w++)
        {
            Assert.Equal(tokenizer.StartId, prompt.Ids[w * Length]);
            Assert.Equal(tokenizer.EndId, prompt.Ids[prompt.Ends[w]]);
            Assert.InRange(prompt.Ends[w], (w * Length) + 1, ((w + 1) * Length) - 1);
        }

        // Read through the words, the ids are those of the text.
        var places = prompt.Words.SelectMany(word => word.Tokens).ToList();
        Assert.Equal(places.Order().Distinct(), places);
        if (prompt.Truncated.Count == 0)
            Assert.Equal(tokenizer.Encode(text).Skip(1).SkipLast(1), places.Select(place => prompt.Ids[place]));
    });

    [Fact]
    public void ShortWordsAreNotCutByTheEndOfAWindow() => Prompts.Sample(text => Assert.All(
        tokenizer.TokenizeChunks(text, 4).Words.Where(word => word.Tokens.Count <= Length - 2),
        word => Assert.Equal(word.Tokens[0] / Length, word.Tokens[^1] / Length)));

    [Fact]
    public void AShortPromptLeavesFurtherWindowsEmpty()
    {
        var (one, two) = (tokenizer.Tokenize("a red cat"), tokenizer.TokenizeChunks("a red cat", 2));
        Assert.Equal(one.Ids.Concat(tokenizer.Tokenize("").Ids), two.Ids);
        Assert.Equal(one.Length, two.Length);
        Assert.Equal(one.Tokens, two.Tokens);
    }
}
