using CsCheck;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Editing.Prompts.ForeignNotationKind;

namespace PromptToPrompt.Editing.Tests.Prompts;

public sealed class ForeignNotationTests
{
    [Theory]
    [InlineData("a [red] house", Brackets, "[red]", "(red:0.91)")]
    [InlineData("a [[red barn]] house", Brackets, "[[red barn]]", "(red barn:0.83)")]
    [InlineData("[[[blurry]]]", Brackets, "[[[blurry]]]", "(blurry:0.75)")]
    [InlineData("a {red} house", Braces, "{red}", "(red:1.05)")]
    [InlineData("a {{{red}}} house", Braces, "{{{red}}}", "(red:1.16)")]
    [InlineData("a ((red)) house", DoubledParentheses, "((red))", "(red:1.21)")]
    [InlineData("a (((red barn))), old", DoubledParentheses, "(((red barn)))", "(red barn:1.33)")]
    [InlineData("a red++ house", TrailingWeight, "red++", "(red:1.21)")]
    [InlineData("a house, red+++", TrailingWeight, "red+++", "(red:1.33)")]
    [InlineData("a red-- house", TrailingWeight, "red--", "(red:0.81)")]
    [InlineData("a (red barn)++", TrailingWeight, "(red barn)++", "(red barn:1.21)")]
    [InlineData("a (red barn)- house", TrailingWeight, "(red barn)-", "(red barn:0.9)")]
    [InlineData("a (red barn)1.4 house", TrailingWeight, "(red barn)1.4", "(red barn:1.4)")]
    [InlineData("a red:1.3 house", BareWeight, "red:1.3", "(red:1.3)")]
    [InlineData("a red::2 house", BareWeight, "red::2", "(red:2)")]
    [InlineData("space ship:: a cat", BareWeight, "ship::", "(ship:1)")]
    [InlineData("a (cat:1,5) here", DecimalComma, "(cat:1,5)", "(cat:1.5)")]
    [InlineData("a (cat: ,5) here", DecimalComma, "(cat: ,5)", "(cat:.5)")]
    [InlineData("a (cat:abc) here", BrokenWeight, "(cat:abc)", "\"abc\" is not a number")]
    [InlineData("a (cat:1.5x) here", BrokenWeight, "(cat:1.5x)", "\"1.5x\" is not a number")]
    [InlineData("a (cat:1.2.3) here", BrokenWeight, "(cat:1.2.3)", "not a number")]
    [InlineData("a cat <lora:add_detail:0.8>", Adapter, "<lora:add_detail:0.8>", "where the model is chosen")]
    [InlineData("<LoRA:x> a cat", Adapter, "<LoRA:x>", "where the model is chosen")]
    [InlineData("a cat <lyco:style:1:0.5>", Adapter, "<lyco:style:1:0.5>", "where the model is chosen")]
    [InlineData("a cat <hypernet:style:1>", Adapter, "<hypernet:style:1>", "not supported")]
    [InlineData("bad hands, embedding:easynegative", Embedding, "embedding:easynegative", "only its word")]
    [InlineData("(embedding:bad-hands_v2:1.2), ugly", Embedding, "embedding:bad-hands_v2", "only its word")]
    [InlineData("a cat BREAK a dog", Break, "BREAK", "chunk boundaries")]
    [InlineData("a cat, BREAK, a dog", Break, "BREAK", "chunk boundaries")]
    [InlineData("a cat AND a dog", Combination, "AND", "combined")]
    [InlineData("(\"a cat\", \"a dog\").blend(0.5, 0.5)", Combination, ".blend(0.5, 0.5)", "combined")]
    [InlineData("a cat.swap(dog) here", Schedule, ".swap(dog)", "edit it into the other")]
    [InlineData("a [cat:dog:0.5] here", Schedule, "[cat:dog:0.5]", "edit it into the other")]
    [InlineData("a [cat:10] here", Schedule, "[cat:10]", "edit it into the other")]
    [InlineData("a [cat::0.5] here", Schedule, "[cat::0.5]", "edit it into the other")]
    [InlineData("a [cat|dog] here", Alternation, "[cat|dog]", "one of the words")]
    [InlineData("a {cat|dog|big bird} here", Choice, "{cat|dog|big bird}", "one of the words")]
    [InlineData("a {2$$cat} here", Choice, "{2$$cat}", "one of the words")]
    [InlineData("a __color__ house", Wildcard, "__color__", "in its place")]
    [InlineData("a __animals/big_cats__, old", Wildcard, "__animals/big_cats__", "in its place")]
    [InlineData("a cat --ar 16:9", Flag, "--ar 16:9", "give them separately")]
    [InlineData("a cat --no dogs", Flag, "--no", "give them separately")]
    [InlineData(@"a \[red\] house", Escape, @"\[", "backslash")]
    public void OtherProgramsNotationIsFoundWithWhatToWriteHere(string prompt, Enum kind, string text, string advice)
    {
        var found = ForeignNotation.Find(prompt)[0];
        Assert.Equal(((ForeignNotationKind)kind, text, prompt.IndexOf(text, StringComparison.Ordinal)), (found.Kind, found.Text, found.Start));
        Assert.Contains(advice, found.Advice);
        Assert.Equal($"\"{text}\" is read as plain text: {found.Advice}", found.Message);
        // Neither an option of the command line nor anything else that only one of the ways in has.
        Assert.DoesNotContain("--", found.Advice);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a red house in a field")]
    [InlineData("a (red:1.3) house, (old barn:0.5) and ((very:1.1) red:1.2) paint")]
    [InlineData(@"ganyu \(genshin impact\), a cat \(animal\)")]
    [InlineData("a book about C++, g++ and notepad++")]
    [InlineData("a rock--n--roll band -- in the rain")]
    [InlineData("he said -- or so they say -- a cat")]
    [InlineData("the words \"teh cat [sic]\" on a sign [...] [1]")]
    [InlineData("a house (in a field)")]
    [InlineData("a poster (title: Alien) from 1979")]
    [InlineData("a clock at 12:30, ratio 16:9, John 3:16")]
    [InlineData("a tram (see https://example.com/a:b) (at 12:30pm)")]
    [InlineData("A CAT AND A DOG")]
    [InlineData("a poster that says ROCK AND ROLL")]
    [InlineData("a sign that says \"COFFEE BREAK\"")]
    [InlineData("a break and a cat")]
    [InlineData("a <my-cat> in the snow, <3")]
    [InlineData("std::vector on a shirt")]
    [InlineData("a snake_case name, 18+, an A+, 5 - 3, {}")]
    [InlineData("a smile :) and a frown :( ;)")]
    [InlineData("a photo of Ed's well-known café, e.g. the blue one")]
    public void OrdinaryTextAndThisProgramsOwnNotationAreNot(string prompt) => Assert.Empty(ForeignNotation.Find(prompt));

    [Fact]
    public void SeveralAreFoundInTheirOrderAndDoNotOverlap()
    {
        var found = ForeignNotation.Find("[a|b] (cat:1,5), red++ <lora:x:1> [[old]] BREAK {dog}");
        Assert.Equal([Alternation, DecimalComma, TrailingWeight, Adapter, Brackets, Break, Braces], found.Select(notation => notation.Kind));
    }

    /// <summary>What is found lies in the prompt, in order; and no text takes long or fails.</summary>
    [Fact]
    public void AnyTextCanBeLookedThrough() => Gen.Char["([{<>}])\\:|+-_., aB19\"@"].Array[0, 60].Sample(characters =>
    {
        var (prompt, end) = (new string(characters), 0);
        foreach (var found in ForeignNotation.Find(prompt))
        {
            Assert.True(found.Start >= end);
            end = found.Start + found.Text.Length;
            Assert.Equal(found.Text, prompt[found.Start..end]);
        }
    });

    [Theory]
    [InlineData("(")]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("a-")]
    [InlineData("a+")]
    [InlineData("__a")]
    [InlineData("<lora:")]
    [InlineData("a:1")]
    [InlineData("(a")]
    [InlineData("[a:")]
    [InlineData("{a|")]
    [InlineData("AND a ")]
    [InlineData("((a)")]
    [InlineData("-")]
    [InlineData("1", "[a:")]
    [InlineData("1", "[a:b:")]
    [InlineData("1", "[a:.")]
    [InlineData(" ", "[a:")]
    [InlineData("1", "(a:")]
    [InlineData("1", "a:")]
    [InlineData("(", "", ")")]
    [InlineData("(a", "", ")")]
    [InlineData("(a:", "", ":1,)")]
    [InlineData("[", "", "]")]
    [InlineData("{a", "", "}")]
    public void ALongTextOfSignsTakesNoMoreThanAMoment(string sign, string before = "", string after = "")
    {
        const int Length = 400_000;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        // What is found lies at the beginning, or all of it is one piece.
        var count = Length / (sign.Length + after.Length);
        _ = ForeignNotation.Find($"a {before}{string.Concat(Enumerable.Repeat(sign, count))}{string.Concat(Enumerable.Repeat(after, count))}");
        // Far less than a second; quadratic time would be many minutes.
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"{watch.Elapsed}");
    }
}
