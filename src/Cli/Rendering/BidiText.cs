using System.Globalization;
using System.Text;
using HarfBuzzSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>A part of a line that runs in one direction, in the order in which parts are seen from the left.</summary>
/// <param name="Start">Where it begins in the text.</param>
/// <param name="Length">Its length.</param>
/// <param name="IsRightToLeft">Its direction.</param>
internal readonly record struct BidiRun(int Start, int Length, bool IsRightToLeft);

/// <summary>
/// The order of text that runs in both directions: the Unicode bidirectional algorithm (UAX #9) for plain text, which has no embeddings; captions
/// write their characters out.
/// </summary>
internal static class BidiText
{
    private enum Kind
    {
        Left,
        Right,
        ArabicLetter,
        Number,
        ArabicNumber,
        Sign,
        Terminator,
        Separator,
        Mark,
        Space,
        Neutral,
    }

    private const string Opening = "([{<«‹（［｛「『【〈《";
    private const string Closing = ")]}>»›）］｝」』】〉》";

    /// <summary>Whether a text as a whole runs from right to left: its first letter does.</summary>
    public static bool IsRightToLeft(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (KindOf(rune) is var kind and (Kind.Left or Kind.Right or Kind.ArabicLetter))
                return kind != Kind.Left;
        }

        return false;
    }

    /// <summary>The runs of a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="isRightToLeft">Whether the whole text that it is of runs from right to left.</param>
    public static IReadOnlyList<BidiRun> Runs(string line, bool isRightToLeft)
    {
        var levels = Levels(line, isRightToLeft ? 1 : 0);
        var runs = new List<(int Start, int Length, int Level)>();
        for (var (start, end) = (0, 0); start < line.Length; start = end)
        {
            while (end < line.Length && levels[end] == levels[start])
                end++;
            runs.Add((start, end - start, levels[start]));
        }

        // What lies deeper is turned over more often.
        for (var level = runs.Select(run => run.Level).DefaultIfEmpty(0).Max(); level > 0; level--)
        {
            for (var (start, end) = (0, 0); start < runs.Count; start = Math.Max(end, start + 1))
            {
                for (end = start; end < runs.Count && runs[end].Level >= level;)
                    end++;
                runs.Reverse(start, end - start);
            }
        }

        return [.. runs.Select(run => new BidiRun(run.Start, run.Length, run.Level % 2 == 1))];
    }

    private static int[] Levels(string line, int paragraph)
    {
        var kinds = new Kind[line.Length];
        for (var i = 0; i < line.Length;)
        {
            var rune = Rune.TryGetRuneAt(line, i, out var read) ? read : Rune.ReplacementChar;
            var length = char.IsHighSurrogate(line[i]) && i + 1 < line.Length ? 2 : 1;
            kinds.AsSpan(i, length).Fill(KindOf(rune));
            i += length;
        }

        var whole = paragraph == 1 ? Kind.Right : Kind.Left;
        ResolveNumbers(kinds, whole);
        ResolveBrackets(line, kinds, whole);
        ResolveNeutrals(kinds, whole);
        var levels = Array.ConvertAll(kinds, kind => (paragraph, kind) switch
        {
            (0, Kind.Right) => 1,
            (0, Kind.Number or Kind.ArabicNumber) => 2,
            (1, Kind.Left or Kind.Number or Kind.ArabicNumber) => 2,
            _ => paragraph,
        });
        for (var i = line.Length - 1; i >= 0 && char.IsWhiteSpace(line[i]); i--)
            levels[i] = paragraph;
        return levels;
    }

    // W1 to W7.
    private static void ResolveNumbers(Kind[] kinds, Kind whole)
    {
        var (previous, strong) = (whole, whole);
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] == Kind.Mark)
                kinds[i] = previous;
            if (kinds[i] is Kind.Left or Kind.Right or Kind.ArabicLetter)
                strong = kinds[i];
            if (kinds[i] == Kind.Number && strong == Kind.ArabicLetter)
                kinds[i] = Kind.ArabicNumber;
            previous = kinds[i];
        }

        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] == Kind.ArabicLetter)
                kinds[i] = Kind.Right;
            if (i > 0 && i + 1 < kinds.Length && kinds[i - 1] == kinds[i + 1]
                && ((kinds[i] is Kind.Sign or Kind.Separator && kinds[i - 1] == Kind.Number) || (kinds[i] == Kind.Separator && kinds[i - 1] == Kind.ArabicNumber)))
                kinds[i] = kinds[i - 1];
        }

        for (var (start, end) = (0, 0); start < kinds.Length; start = Math.Max(end, start + 1))
        {
            for (end = start; end < kinds.Length && kinds[end] == Kind.Terminator;)
                end++;
            if (end > start)
            {
                var isOfNumber = (start > 0 && kinds[start - 1] == Kind.Number) || (end < kinds.Length && kinds[end] == Kind.Number);
                kinds.AsSpan(start, end - start).Fill(isOfNumber ? Kind.Number : Kind.Neutral);
            }
        }

        strong = whole;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] is Kind.Sign or Kind.Separator or Kind.Space)
                kinds[i] = Kind.Neutral;
            if (kinds[i] is Kind.Left or Kind.Right)
                strong = kinds[i];
            if (kinds[i] == Kind.Number && strong == Kind.Left)
                kinds[i] = Kind.Left;
        }
    }

    // N0: brackets of a pair have one direction, that of what they hold.
    private static void ResolveBrackets(string line, Kind[] kinds, Kind whole)
    {
        var open = new Stack<int>();
        var pairs = new List<(int Open, int Close)>();
        for (var i = 0; i < line.Length; i++)
        {
            if (kinds[i] != Kind.Neutral)
                continue;
            if (Opening.Contains(line[i], StringComparison.Ordinal))
                open.Push(i);
            else if (Closing.IndexOf(line[i], StringComparison.Ordinal) is >= 0 and var which && open.Any(at => line[at] == Opening[which]))
            {
                while (line[open.Peek()] != Opening[which])
                    open.Pop();
                pairs.Add((open.Pop(), i));
            }
        }

        foreach (var (first, last) in pairs.OrderBy(pair => pair.Open))
        {
            var inside = kinds[(first + 1)..last].Select(Strong).OfType<Kind>().Distinct().ToList();
            if (inside.Count == 0)
                continue;
            var before = kinds[..first].Select(Strong).LastOrDefault(kind => kind is not null) ?? whole;
            kinds[first] = kinds[last] = inside.Contains(whole) || before == whole ? whole : before;
        }
    }

    // N1 and N2.
    private static void ResolveNeutrals(Kind[] kinds, Kind whole)
    {
        for (var (start, end) = (0, 0); start < kinds.Length; start = Math.Max(end, start + 1))
        {
            for (end = start; end < kinds.Length && kinds[end] == Kind.Neutral;)
                end++;
            if (end == start)
                continue;
            var before = start == 0 ? whole : Strong(kinds[start - 1]);
            var after = end == kinds.Length ? whole : Strong(kinds[end]);
            kinds.AsSpan(start, end - start).Fill(before == after ? before!.Value : whole);
        }
    }

    // Numbers are as the letters of right-to-left scripts to what stands next to them.
    private static Kind? Strong(Kind kind) => kind switch
    {
        Kind.Left => Kind.Left,
        Kind.Right or Kind.Number or Kind.ArabicNumber => Kind.Right,
        _ => null,
    };

    private static Kind KindOf(Rune rune) => rune.Value switch
    {
        0x200E => Kind.Left,
        0x200F => Kind.Right,
        0x061C => Kind.ArabicLetter,
        (>= '0' and <= '9') or (>= 0x06F0 and <= 0x06F9) or 0xB2 or 0xB3 or 0xB9 or (>= 0xFF10 and <= 0xFF19) => Kind.Number,
        (>= 0x0660 and <= 0x0669) or 0x066B or 0x066C or 0x06DD or (>= 0x0600 and <= 0x0605) => Kind.ArabicNumber,
        '+' or '-' or 0x2212 => Kind.Sign,
        '#' or '%' or 0xB0 or 0xB1 or 0x2030 or 0x066A => Kind.Terminator,
        ',' or '.' or '/' or ':' or 0xA0 or 0x060C => Kind.Separator,
        _ => Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control => Kind.Mark,
            UnicodeCategory.CurrencySymbol => Kind.Terminator,
            UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => Kind.Space,
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
                or UnicodeCategory.OtherNumber or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => OfScript(rune),
            _ => Kind.Neutral,
        },
    };

    private static Kind OfScript(Rune rune)
    {
        var script = UnicodeFunctions.Default.GetScript((uint)rune.Value);
        if (script == Script.Arabic || script == Script.Syriac || script == Script.Thaana)
            return Kind.ArabicLetter;
        return script.HorizontalDirection == Direction.RightToLeft ? Kind.Right : Kind.Left;
    }
}
