using System.Globalization;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>The meaning of a piece of notation in the program it comes from.</summary>
internal enum ForeignNotationKind
{
    /// <summary><c>[word]</c>: weaker.</summary>
    Brackets,

    /// <summary><c>{word}</c>: stronger.</summary>
    Braces,

    /// <summary><c>((word))</c>: stronger.</summary>
    DoubledParentheses,

    /// <summary><c>word++</c>, <c>(two words)-</c>, <c>(word)1.3</c>: stronger or weaker.</summary>
    TrailingWeight,

    /// <summary><c>word:1.3</c> or <c>word::2</c>: a weight without parentheses.</summary>
    BareWeight,

    /// <summary><c>(word:1,3)</c>: a weight with a decimal comma.</summary>
    DecimalComma,

    /// <summary><c>(word:strong)</c>: a weight that is not a number.</summary>
    BrokenWeight,

    /// <summary><c>&lt;lora:name:0.8&gt;</c>: an adapter loaded by the prompt.</summary>
    Adapter,

    /// <summary><c>embedding:name</c>: a learned word loaded by the prompt.</summary>
    Embedding,

    /// <summary><c>BREAK</c>: the end of a chunk.</summary>
    Break,

    /// <summary><c>AND</c>, <c>.blend()</c>, <c>.and()</c>: several prompts in one.</summary>
    Combination,

    /// <summary><c>[from:to:0.5]</c>, <c>.swap()</c>: words that change during the run.</summary>
    Schedule,

    /// <summary><c>[one|other]</c>: alternating words.</summary>
    Alternation,

    /// <summary><c>{one|other}</c>: a word chosen at random.</summary>
    Choice,

    /// <summary><c>__name__</c>: a word chosen from a list.</summary>
    Wildcard,

    /// <summary>Two hyphens and a name, as in Midjourney: a setting.</summary>
    Flag,

    /// <summary><c>\[</c>: an escaped character of the other program's notation.</summary>
    Escape,
}

/// <summary>
/// A piece of a prompt that other programs interpret as notation but this one reads as text. Only very likely notation is reported: "C++",
/// "[sic]" or "AND" in a line of capitals is not.
/// </summary>
/// <param name="Kind">Its meaning in the other program.</param>
/// <param name="Text">The notation as written.</param>
/// <param name="Start">Index of its first character in the prompt.</param>
/// <param name="Advice">The advice: a sentence without its initial capital.</param>
internal sealed partial record ForeignNotation(ForeignNotationKind Kind, string Text, int Start, string Advice)
{
    private const int MaxShownLength = 60;
    private const int MaxFound = 100;

    // Nested parentheses take quadratic time; no realistic prompt is longer.
    private const int MaxRead = 10_000;
    private const double Step = 1.1;
    private const double BraceStep = 1.05;
    private static readonly HashSet<string> NamesWithSigns = new(["notepad", "libstdc", "stdc", "dev-c"], StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> EditorialMarks = new(["sic", "citation needed"], StringComparer.OrdinalIgnoreCase);

    /// <summary>The warning for the user, one sentence.</summary>
    public string Message => $"\"{Shorten(Text)}\" is read as plain text: {Advice}";

    private int End => Start + Text.Length;

    /// <summary>Finds the notation in the first 10,000 characters of a prompt, in order.</summary>
    public static IReadOnlyList<ForeignNotation> Find(string prompt)
    {
        prompt = prompt[..Math.Min(prompt.Length, MaxRead)];
        var found = new List<ForeignNotation>();
        // The earlier candidate wins if two overlap.
        foreach (var candidate in Candidates(prompt))
        {
            if (found.Count == MaxFound)
                break;
            if (found.TrueForAll(other => candidate.End <= other.Start || candidate.Start >= other.End))
                found.Add(candidate);
        }

        return [.. found.OrderBy(notation => notation.Start)];
    }

    private static IEnumerable<ForeignNotation> Candidates(string prompt)
    {
        const string SameAtAllSteps = "prompts cannot change during a run;";
        foreach (var match in Matches(AdapterPattern(), prompt))
        {
            yield return Of(ForeignNotationKind.Adapter, match, match.Groups[1].Value.StartsWith("hyper", StringComparison.OrdinalIgnoreCase)
                ? "hypernetworks are not supported; leave it out."
                : "give the file and its weight where the model is chosen, and leave it out here.");
        }

        foreach (var match in Matches(ChoicePattern(), prompt))
            yield return Of(ForeignNotationKind.Choice, match, "write one of the words; an edit for each of the others makes the variants.");
        foreach (var match in Matches(SchedulePattern(), prompt))
            yield return Of(ForeignNotationKind.Schedule, match, $"{SameAtAllSteps} write one prompt, edit it into the other, and set the steps at which the edit takes over.");
        foreach (var match in Matches(AlternationPattern(), prompt))
            yield return Of(ForeignNotationKind.Alternation, match, $"{SameAtAllSteps} write one of the words; an edit for each of the others makes the variants.");
        foreach (var match in Matches(BracketPattern(), prompt))
        {
            if (IsWords(match.Groups[2].Value))
                yield return Of(ForeignNotationKind.Brackets, match, $"to weaken words, write {Weighted(match.Groups[2].Value, Math.Pow(Step, -Depth(match)))}.");
        }

        foreach (var match in Matches(BracePattern(), prompt))
        {
            if (IsWords(match.Groups[2].Value))
                yield return Of(ForeignNotationKind.Braces, match, $"to strengthen words, write {Weighted(match.Groups[2].Value, Math.Pow(BraceStep, Depth(match)))}.");
        }

        foreach (var match in Matches(EmbeddingPattern(), prompt))
            yield return Of(ForeignNotationKind.Embedding, match, "give the embedding's file where the model is chosen, and write only its word here.");
        foreach (var match in Matches(WildcardPattern(), prompt))
            yield return Of(ForeignNotationKind.Wildcard, match, "write a word in its place; a run for each word makes the variants.");
        foreach (var match in Matches(FunctionPattern(), prompt))
        {
            yield return match.Groups[1].Value == "swap"
                ? Of(ForeignNotationKind.Schedule, match, $"{SameAtAllSteps} write one prompt, and edit it into the other.")
                : Of(ForeignNotationKind.Combination, match, "prompts cannot be combined; write one prompt with everything in it.");
        }

        foreach (var notation in InParentheses(prompt))
            yield return notation;
        foreach (var match in Matches(SignsPattern(), prompt))
        {
            if (match.Groups[1].Length > 1 && !NamesWithSigns.Contains(match.Groups[1].Value))
                yield return Of(ForeignNotationKind.TrailingWeight, match, Signed(match.Groups[1].Value, match.Groups[2].Value));
        }

        foreach (var match in Matches(DoubleColonPattern(), prompt))
        {
            var weight = match.Groups[2].Length > 0 ? match.Groups[2].Value : "1";
            yield return Of(ForeignNotationKind.BareWeight, match, $"to weight words, write ({match.Groups[1].Value}:{weight}).");
        }

        foreach (var match in Matches(BareWeightPattern(), prompt))
        {
            if (prompt.AsSpan(0, match.Index).Count('(') == prompt.AsSpan(0, match.Index).Count(')'))
                yield return Of(ForeignNotationKind.BareWeight, match, $"to weight words, write ({match.Value}).");
        }

        foreach (var match in Matches(FlagPattern(), prompt))
            yield return Of(ForeignNotationKind.Flag, match, "settings do not belong in the prompt; give them separately.");
        foreach (var match in Matches(EscapePattern(), prompt))
            yield return Of(ForeignNotationKind.Escape, match, @"the backslash is kept as text; only \( and \) need one.");
        if (prompt.Any(char.IsLower))
        {
            foreach (var match in Matches(KeywordPattern(), prompt).Where(match => IsKeyword(prompt, match)))
            {
                yield return match.Value == "BREAK"
                    ? Of(ForeignNotationKind.Break, match, "chunk boundaries cannot be set; leave it out.")
                    : Of(ForeignNotationKind.Combination, match, "prompts cannot be combined; write one prompt with everything in it.");
            }
        }
    }

    // Parentheses nest, so they are matched in the same way as in WeightedPrompt.
    private static IEnumerable<ForeignNotation> InParentheses(string prompt)
    {
        var open = new Stack<int>();
        var (innerStart, innerEnd, depth) = (-1, -1, 0);
        for (var k = 0; k < prompt.Length; k++)
        {
            if (prompt[k] == '\\' && k + 1 < prompt.Length && prompt[k + 1] is '(' or ')')
            {
                k++;
            }
            else if (prompt[k] == '(')
            {
                open.Push(k);
            }
            else if (prompt[k] == ')' && open.TryPop(out var start))
            {
                var content = prompt[(start + 1)..k];
                var colon = content.LastIndexOf(':');
                var weight = colon < 0 ? "" : content[(colon + 1)..];
                if (colon >= 0 && WordWeight.TryParseWeight(weight, out _))
                    continue;
                depth = (innerStart, innerEnd) == (start + 1, k - 1) ? depth + 1 : 1;
                (innerStart, innerEnd) = (start, k);
                if (colon > 0 && DecimalCommaPattern().IsMatch(weight))
                    yield return new(ForeignNotationKind.DecimalComma, prompt[start..(k + 1)], start, $"a weight has a decimal point; write ({Shorten(content[..colon])}:{weight.Trim().Replace(',', '.')}).");
                else if (colon > 0 && IsBrokenWeight(content[..colon], weight))
                    yield return new(ForeignNotationKind.BrokenWeight, prompt[start..(k + 1)], start, $"\"{weight}\" is not a number; write a weight as in ({Shorten(content[..colon])}:1.3).");
                else if (BehindPattern().Match(prompt, k + 1) is { Success: true } behind && IsWords(content))
                    yield return new(ForeignNotationKind.TrailingWeight, prompt[start..(k + 1 + behind.Length)], start, Signed(content, behind.Value));
                else if (depth > 1 && !(start > 0 && prompt[start - 1] == '(' && k + 1 < prompt.Length && prompt[k + 1] == ')') && IsWords(content.Trim('(', ')')))
                    yield return new(ForeignNotationKind.DoubledParentheses, prompt[start..(k + 1)], start, $"to strengthen words, write {Weighted(content.Trim('(', ')'), Math.Pow(Step, depth))}.");
            }
        }
    }

    // "(title: Alien)", "(12:30pm)" and "(https://…)" are text.
    private static bool IsBrokenWeight(string words, string weight) =>
        weight.Length <= MaxShownLength && !weight.Any(character => char.IsWhiteSpace(character) || character is '(' or ')' or '/')
        && words[(words.LastIndexOf(' ') + 1)..] is var last && last.Any(char.IsLetter) && !last.Any(character => character is ':' or '/') && last != "embedding";

    // Between capitals or inside quotation marks it is an ordinary word, as on a sign.
    private static bool IsKeyword(string prompt, Match match)
    {
        var before = prompt.AsSpan(0, match.Index).TrimEnd();
        var after = prompt.AsSpan(match.Index + match.Length).TrimStart();
        var (previous, next) = (before.Length, 0);
        while (previous > 0 && !char.IsWhiteSpace(before[previous - 1]))
            previous--;
        while (next < after.Length && !char.IsWhiteSpace(after[next]))
            next++;
        return (match.Value == "BREAK" || (before.Length > 0 && after.Length > 0)) && before.Count('"') % 2 == 0 && !IsCapitals(before[previous..]) && !IsCapitals(after[..next]);

        static bool IsCapitals(ReadOnlySpan<char> word)
        {
            var letters = 0;
            foreach (var character in word)
            {
                if (char.IsLower(character))
                    return false;
                letters += char.IsLetter(character) ? 1 : 0;
            }

            return letters > 1 && word is not ("BREAK" or "AND");
        }
    }

    private static bool IsWords(string text) => text.Any(char.IsLetter) && !EditorialMarks.Contains(text.Trim());

    private static int Depth(Match match) => Math.Min(match.Groups[1].Length, match.Groups[3].Length);

    private static string Signed(string words, string signs)
    {
        var weight = signs[0] switch
        {
            '+' => Math.Pow(Step, signs.Length),
            '-' => Math.Pow(2 - Step, signs.Length),
            _ => double.Parse(signs, CultureInfo.InvariantCulture),
        };
        return $"to {(weight < 1 ? "weaken" : "strengthen")} words, write {Weighted(words, weight)}.";
    }

    private static string Weighted(string words, double weight) => string.Create(CultureInfo.InvariantCulture, $"({Shorten(words.Trim())}:{Math.Round(weight, 2)})");

    private static string Shorten(string text) => text.Length <= MaxShownLength ? text : text[..(MaxShownLength - 1)].TrimEnd() + "…";

    private static ForeignNotation Of(ForeignNotationKind kind, Match match, string advice) => new(kind, match.Value, match.Index, advice);

    private static IEnumerable<Match> Matches(Regex pattern, string prompt) => pattern.Matches(prompt);

    // All patterns take linear time: repeated signs are consumed whole, and the text between two signs contains none of them.
    [GeneratedRegex(@"<(lora|lyco|lycoris|locon|loha|lokr|hypernet|hypernetwork):[^<>]+>", RegexOptions.IgnoreCase)]
    private static partial Regex AdapterPattern();

    [GeneratedRegex(@"\{[^{}|]*\|[^{}]*\}|\{\d+(?:-\d+)?\$\$[^{}]*\}")]
    private static partial Regex ChoicePattern();

    [GeneratedRegex(@"(?<!\\)\[[^\[\]:]*(?::[^\[\]:]*)?:\s*(?:\d+(?:\.\d*)?|\.\d+)%?\s*\]")]
    private static partial Regex SchedulePattern();

    [GeneratedRegex(@"(?<!\\)\[[^\[\]|]*\|[^\[\]]*\]")]
    private static partial Regex AlternationPattern();

    [GeneratedRegex(@"(?<![\\\[])((?>\[+))([^\[\]]*[^\[\]\\])(\]+)")]
    private static partial Regex BracketPattern();

    [GeneratedRegex(@"(?<![\\{])((?>\{+))([^{}]*[^{}\\])(\}+)")]
    private static partial Regex BracePattern();

    [GeneratedRegex(@"\bembedding:[^\s,()<>\[\]{}:]+")]
    private static partial Regex EmbeddingPattern();

    [GeneratedRegex(@"(?<![\w])__[A-Za-z0-9/*-]+(?:_[A-Za-z0-9/*-]+)*__(?![\w])")]
    private static partial Regex WildcardPattern();

    [GeneratedRegex(@"(?<=[\w)""'])\.(swap|blend|and|or)\([^()]*\)")]
    private static partial Regex FunctionPattern();

    [GeneratedRegex(@"(?<![\p{L}\p{N}_'+-])(\p{L}[\p{L}\p{N}_']*(?:-[\p{L}\p{N}_']+)*)((?>\+{2,}|-{2,}))(?=$|[\s,.;:)!?])")]
    private static partial Regex SignsPattern();

    [GeneratedRegex(@"\G(?:\++|-+|\d+\.\d+)(?=$|[\s,.;:)!?])")]
    private static partial Regex BehindPattern();

    [GeneratedRegex(@"(?<![\w:])(\p{L}[\p{L}\p{N}_]*)::(-?\d+(?:\.\d+)?)?(?=$|[\s,])")]
    private static partial Regex DoubleColonPattern();

    [GeneratedRegex(@"(?<![\w:./])\p{L}[\p{L}\p{N}_]*:\d*\.\d+(?=$|[\s,])")]
    private static partial Regex BareWeightPattern();

    [GeneratedRegex(@"(?<!\S)--(?:ar|aspect|v|version|s|stylize|c|chaos|weird|no|niji|q|quality|seed|iw|style|tile|raw|sref|cref|cfg|steps)(?:\s+[\d.:]+)?(?=$|\s)")]
    private static partial Regex FlagPattern();

    [GeneratedRegex(@"\\[\[\]{}<>]")]
    private static partial Regex EscapePattern();

    [GeneratedRegex(@"(?<!\S)(?:BREAK|AND)(?=$|[\s,])")]
    private static partial Regex KeywordPattern();

    [GeneratedRegex(@"^\s*[+-]?\d*,\d+\s*$")]
    private static partial Regex DecimalCommaPattern();
}
