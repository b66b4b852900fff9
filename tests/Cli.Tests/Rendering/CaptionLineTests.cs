using PromptToPrompt.Cli.Rendering;
using SkiaSharp;

namespace PromptToPrompt.Cli.Tests.Rendering;

public class CaptionLineTests
{
    private static readonly CaptionFonts Own = new([]);

    [Theory]
    [InlineData("a (red:1.5) house in a field")]
    [InlineData("красный дом, ελληνικά")]
    [InlineData("בית אדום בשדה")]
    [InlineData("بيت أحمر في حقل أخضر")]
    [InlineData("mixed: بيت red 42 בית!")]
    [InlineData("🙂 ❤ €")]
    [InlineData("猫 बिल्ली 고양이 👩‍👩‍👧")]
    [InlineData("\u202E \t \u0007 \uD800")]
    public void EveryCharacterHasAGlyph(string text) => Assert.All(Lines(text, 200), line => Assert.All(line.Parts, part => Assert.DoesNotContain((ushort)0, part.Glyphs)));

    [Fact]
    public void ArabicLettersAreJoined()
    {
        // Beh alone, and at the beginning, in the middle and at the end of a word.
        var alone = Glyphs("ب");
        var word = Glyphs("ببب");
        Assert.Equal(3, word.Distinct().Count());
        Assert.DoesNotContain(alone[0], word);
        // From left to right the last letter comes first.
        Assert.Equal(Glyphs("بب")[0], word[0]);
        Assert.Equal(Glyphs("بب")[1], word[2]);
        // Lam and alef are one letter.
        Assert.Single(Glyphs("لا"));
    }

    [Fact]
    public void HebrewRunsFromRightToLeft() => Assert.Equal([.. Glyphs("א"), .. Glyphs("ב"), .. Glyphs("ג")], Glyphs("גבא"));

    // What is seen, from left to right; letters of the Latin alphabet stand for what they are, and Hebrew ones are seen in the other order.
    [Theory]
    [InlineData("abc אבג def", "abc גבא def")]
    [InlineData("אבג abc דהו", "והד abc גבא")]
    [InlineData("אבג 123 דהו", "והד 123 גבא")]
    [InlineData("abc אבג 123 def", "abc 123 גבא def")]
    [InlineData("abc (אבג) def", "abc (גבא) def")]
    [InlineData("אבג (abc) דהו", "והד (abc) גבא")]
    [InlineData("אבג (דהו)", "(והד) גבא")]
    [InlineData("abc, אבג!", "abc, גבא!")]
    [InlineData("אבג, דהו!", "!והד ,גבא")]
    [InlineData("אבג 12.5% דהו", "והד 12.5% גבא")]
    [InlineData("אבג 1,000/2 דהו", "והד 1,000/2 גבא")]
    [InlineData("a \"אבג, דהו\" b", "a \"והד ,גבא\" b")]
    [InlineData("אב a1 גד", "דג a1 בא")]
    public void MixedTextIsInTheOrderThatUnicodeGivesIt(string text, string seen)
    {
        // Of a text that runs from left to right, the glyph of each character; brackets are the same as they are seen.
        var expected = seen.SelectMany(character => character == ' ' ? Glyphs("a b")[1..2] : Glyphs(character.ToString())).ToList();
        Assert.Equal(expected, Glyphs(text));
    }

    [Fact]
    public void WhatNoFontHasIsWrittenAsItsNumber()
    {
        Assert.Equal("a U+732B house", CaptionLine.Of("a 猫 house", Own).Text);
        Assert.Equal("U+732B·U+72AC", CaptionLine.Of("猫犬", Own).Text);
        Assert.Equal("U+1F469·U+200D·U+1F467", CaptionLine.Of("👩‍👧", Own).Text);
        Assert.Equal("a·U+202E·b", CaptionLine.Of("a\u202Eb", Own).Text);
        Assert.Equal("a b c", CaptionLine.Of("a\nb\tc", Own).Text);
    }

    [Theory]
    [InlineData("a white house in a green field under a blue sky with many clouds", 120)]
    [InlineData("بيت أحمر في حقل أخضر تحت سماء زرقاء", 90)]
    [InlineData("averyverylongwordwithoutanyspaceinit", 60)]
    [InlineData("一只红色的猫坐在绿色的田野里", 100)]
    [InlineData("narrow", 1)]
    public void LinesFitAndLoseNothing(string text, float width)
    {
        var lines = Lines(text, width);
        Assert.True(lines.Count > 1);
        Assert.All(lines, line => Assert.True(line.Width <= width || line.Text.Length == 1, $"{line.Text}: {line.Width}"));
        Assert.Equal(CaptionLine.Of(text, Own).Text.Replace(" ", ""), string.Concat(lines.Select(line => line.Text)).Replace(" ", ""));
    }

    [Fact]
    public void WordsStayWholeWhereTheyFit() => Assert.Equal(["a white", "house"], Lines("a white house", CaptionLine.Of("a white", Own).Width + 1).Select(line => line.Text));

    [Fact]
    public void AFontOfTheSystemIsTakenWhereTheProgramsOwnLacksACharacter()
    {
        using var folder = new TemporaryFolder();
        // The program's own font serves as another one; it is found by its file.
        using (var font = typeof(CaptionLine).Assembly.GetManifestResourceStream("caption-font")!)
        using (var file = File.Create(folder["a.ttf"]))
            font.CopyTo(file);
        File.WriteAllText(folder["b.ttf"], "no font");
        var fonts = new CaptionFonts([folder[""], folder["no-such-folder"]]);
        Assert.Equal("U+732B", CaptionLine.Of("猫", fonts).Text);
        Assert.Same(fonts.Own, fonts.Find("ب"));
    }

    /// <summary>Each thread finds the same face for a character, though all of them look for it at once.</summary>
    [Fact]
    public async Task FontsAreFoundOnSeveralThreads()
    {
        using var folder = new TemporaryFolder();
        using (var font = typeof(CaptionLine).Assembly.GetManifestResourceStream("caption-font")!)
        using (var file = File.Create(folder["a.ttf"]))
            font.CopyTo(file);
        string[] characters = [.. Enumerable.Range(0x20, 3000).Concat(Enumerable.Range(0x4E00, 1000)).Where(code => !char.IsSurrogate((char)code)).Select(code => ((char)code).ToString())];
        for (var round = 0; round < 3; round++)
        {
            var fonts = new CaptionFonts([folder[""]]);
            var found = new CaptionFace?[4][];
            using var start = new Barrier(found.Length);
            await Task.WhenAll(Enumerable.Range(0, found.Length).Select(i => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(TestContext.Current.CancellationToken);
                    found[i] = [.. characters.Select(fonts.Find)];
                },
                TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            Assert.All(found, faces => Assert.Equal(characters.Select(fonts.Find), faces));
            Assert.Contains(fonts.Own, found[0]);
        }
    }

    [Fact]
    public void ALineIsDrawnWhereItIsAlignedTo()
    {
        using var sheet = SheetStyle.Blank(300, 40);
        using var canvas = new SKCanvas(sheet);
        var line = CaptionLine.Of("بيت أحمر", Own);
        canvas.DrawLines([line], 290, 20, SKTextAlign.Right, SheetStyle.Ink);
        var inked = Enumerable.Range(0, 300).Where(x => Enumerable.Range(0, 40).Any(y => sheet.GetPixel(x, y) != SheetStyle.Paper)).ToList();
        Assert.InRange(inked.Min(), 290 - line.Width - 2, 290 - line.Width + 4);
        Assert.InRange(inked.Max(), 284, 291);
    }

    private static IReadOnlyList<CaptionLine> Lines(string text, float width) => CaptionLine.Wrap(text, width, Own);

    private static ushort[] Glyphs(string text) => [.. Lines(text, float.PositiveInfinity).SelectMany(line => line.Parts).SelectMany(part => part.Glyphs)];
}
