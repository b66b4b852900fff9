using System.Text;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Tests.Prompts;

public sealed class ModelWordsTests
{
    private static readonly ModelWords Words = Read("""{"words":["a","cat","dog","red","blue"],"kinds":[["red","blue"],["cat","dog"]],"endings":["at night"]}""");

    [Fact]
    public void UnknownWordsAreNamedOnceAsTheyAreWritten() =>
        Assert.Equal(["Zebra", "astronaut"], Words.Unknown("A Zebra, a cat - a red astronaut on! a Zebra!".Split(' ').Where(word => word != "on!")));

    [Fact]
    public void AWordIsReplacedByItsKind()
    {
        Assert.Equal(["blue"], Words.InsteadOf("Red,"));
        Assert.Empty(Words.InsteadOf("a"));
        Assert.Equal(["at night"], Words.Endings);
        Assert.Empty(Words.Beginnings);
    }

    [Fact]
    public void AModelWithoutTheFileHasNoWords() => Assert.Null(ModelWords.Find(Path.GetTempPath()));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"words":null}""")]
    [InlineData("""{"words":[1]}""")]
    public void ADamagedFileIsRefused(string json) => Assert.Contains("words.json", Assert.Throws<InvalidInputException>(() => Read(json)).Message);

    private static ModelWords Read(string json) => ModelWords.Read(new MemoryStream(Encoding.UTF8.GetBytes(json)), "words.json");
}
