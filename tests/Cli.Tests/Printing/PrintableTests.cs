using System.Text.Json;
using PromptToPrompt.Cli.Printing;

namespace PromptToPrompt.Cli.Tests.Printing;

public sealed class PrintableTests
{
    /// <summary>Every character that a terminal obeys or that turns text round, and none that text is made of.</summary>
    [Fact]
    public void WhatATerminalWouldObeyIsWrittenOut()
    {
        for (var code = 0; code <= char.MaxValue; code++)
        {
            var character = (char)code;
            var isObeyed = (char.IsControl(character) && character is not ('\n' or '\t'))
                || character is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
            Assert.Equal(isObeyed ? $"a\\u{code:X4}b" : $"a{character}b", Printable.Text($"a{character}b"));
        }
    }

    [Theory]
    [InlineData("naïve café 🎉 你好 שלום سلام می‌خواهم 👩‍👩‍👧 नमस्ते")]
    [InlineData("a \"cat\"\tin\nthe \\ snow")]
    public void TextOfEveryScriptStaysAsItIs(string text) => Assert.Equal(text, Printable.Text(text));

    [Fact]
    public void WhatWasJSONStaysTheSameJSON()
    {
        var value = "\u001b[31m\u202Egnp.\u2066 \u0085 \u2028 ü";
        var options = new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        var printed = Printable.Text(JsonSerializer.Serialize(value, options));
        Assert.DoesNotContain(printed, character => char.IsControl(character) || character == '\u202E');
        Assert.Equal(value, JsonSerializer.Deserialize<string>(printed));
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(5_000_000)]
    public void ALongLineKeepsItsBeginningAndItsEnd(int length)
    {
        foreach (var filling in new[] { "x", "🎉", "\n", "\u001b", "word " })
        {
            var line = Printable.Line($"The name \"{string.Concat(Enumerable.Repeat(filling, length / filling.Length))}\" is wrong; give another.");
            Assert.InRange(line.Length, 1, 4000);
            Assert.StartsWith("The name \"", line);
            Assert.EndsWith(" is wrong; give another.", line);
            Assert.DoesNotContain('\n', line);
            Assert.DoesNotContain(line, char.IsControl);
            Assert.All(Enumerable.Range(0, line.Length), k => Assert.True(!char.IsSurrogate(line[k]) || char.IsSurrogatePair(line, char.IsHighSurrogate(line[k]) ? k : k - 1)));
        }
    }

    [Fact]
    public void AMessageIsOneLine() => Assert.Equal("a b c d", Printable.Line("a\r\nb\u2028c\u0085\td\n"));

    [Fact]
    public void AStreamThatFailsIsLeftAloneAndRemembered()
    {
        var full = new FailingStream(new IOException("full"));
        using var writer = new TerminalWriter(full, isForMessages: false);
        writer.WriteLine("a");
        writer.Write('b');
        Assert.True(writer.IsBroken);
        Assert.Equal("full", writer.Problem!.Message);
        Assert.Equal(1, full.Writes);

        using var gone = new TerminalWriter(new FailingStream(new ReaderGoneException("gone")), isForMessages: false);
        gone.WriteLine("a");
        Assert.True(gone.IsBroken);
        Assert.Null(gone.Problem);
    }

    [Fact]
    public void AllWaysOfWritingAreCleanedAndOneMessageIsOneLine()
    {
        using var bytes = new MemoryStream();
        using var console = new TerminalWriter(bytes, isForMessages: true);
        using var writer = TextWriter.Synchronized(console);
        writer.Write("\u001b[1m");
        writer.Write('\u0007');
        writer.Write(['\u009b', 'x'], 0, 2);
        writer.Write("{0}", "\u001b");
        writer.WriteLine("two\nlines \ud83c\udf89");
        writer.Write('\ud83c');
        writer.Write('\udf89');
        Assert.Equal("\\u001B[1m\\u0007\\u009Bx\\u001Btwo lines 🎉\n🎉", System.Text.Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private sealed class FailingStream(IOException failure) : MemoryStream
    {
        public int Writes { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Writes++;
            throw failure;
        }
    }
}
