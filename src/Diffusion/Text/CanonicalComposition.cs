using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>
/// Unicode normalization form C (UAX #15). The platform's <see cref="string.Normalize()"/> needs the ICU library and
/// silently does nothing without it; token ids must not depend on installed libraries.
/// </summary>
internal static class CanonicalComposition
{
    // Text that contains only characters below this one is unchanged by the normalization.
    private const char FirstAffected = '\u0300';

    private const int LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7, SyllableBase = 0xAC00;
    private const int LeadCount = 19, VowelCount = 21, TrailCount = 28;

    private static readonly Lazy<Tables> Unicode = new(Tables.Read);

    /// <summary>Composes a text; unpaired surrogates become U+FFFD.</summary>
    public static string Compose(string text) =>
        text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(FirstAffected - 1)) < 0 ? text : Recompose(Decompose(text));

    private static List<int> Decompose(string text)
    {
        var tables = Unicode.Value;
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Append(rune.Value);

        // Marks that follow a starter are sorted by class; the sort is stable, because equal classes keep their order.
        for (var start = 0; start < points.Count; start++)
        {
            var end = start;
            while (end < points.Count && tables.Class(points[end]) != 0)
                end++;
            if (end - start > 1)
            {
                var sorted = points.GetRange(start, end - start).OrderBy(tables.Class).ToList();
                for (var i = 0; i < sorted.Count; i++)
                    points[start + i] = sorted[i];
            }

            start = end;
        }

        return points;

        void Append(int point)
        {
            if (tables.Decompositions.TryGetValue(point, out var parts))
            {
                foreach (var part in parts)
                    Append(part);
            }
            else
            {
                points.Add(point);
            }
        }
    }

    private static string Recompose(List<int> points)
    {
        var tables = Unicode.Value;
        var composed = new List<int>(points.Count);
        int starter = -1, lastClass = 0;
        foreach (var point in points)
        {
            var pointClass = tables.Class(point);
            // A mark combines with its starter only across marks of lower classes.
            var reaches = starter >= 0 && (composed.Count - 1 == starter || lastClass < pointClass);
            if (reaches && Pair(composed[starter], point) is { } pair)
            {
                composed[starter] = pair;
                continue;
            }

            composed.Add(point);
            lastClass = pointClass;
            if (pointClass == 0)
                starter = composed.Count - 1;
        }

        var text = new StringBuilder(composed.Count);
        foreach (var point in composed)
            text.Append(new Rune(point).ToString());
        return text.ToString();

        int? Pair(int first, int second)
        {
            int lead = first - LeadBase, vowel = second - VowelBase, syllable = first - SyllableBase, trail = second - TrailBase;
            if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
                return SyllableBase + (lead * VowelCount + vowel) * TrailCount;
            if (syllable is >= 0 and < LeadCount * VowelCount * TrailCount && syllable % TrailCount == 0 && trail is > 0 and < TrailCount)
                return first + trail;
            return tables.Compositions.TryGetValue((first, second), out var composite) ? composite : null;
        }
    }

    private sealed record Tables(
        FrozenDictionary<int, int[]> Decompositions,
        FrozenDictionary<(int First, int Second), int> Compositions,
        FrozenDictionary<int, int> Classes)
    {
        public int Class(int point) => Classes.GetValueOrDefault(point);

        public static Tables Read()
        {
            Dictionary<int, int[]> decompositions = [];
            Dictionary<(int, int), int> compositions = [];
            Dictionary<int, int> classes = [];
            using var stream = typeof(CanonicalComposition).Assembly.GetManifestResourceStream("UnicodeNormalization.txt")!;
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                if (line[0] == '#')
                    continue;
                var separator = line.IndexOfAny(['=', '>', ':']);
                var (key, value) = (line[..separator], line[(separator + 1)..]);
                if (line[separator] == ':')
                {
                    var range = Array.ConvertAll(key.Split('-'), Point);
                    for (var point = range[0]; point <= range[^1]; point++)
                        classes[point] = int.Parse(value, CultureInfo.InvariantCulture);
                }
                else
                {
                    var parts = Array.ConvertAll(value.Split(' '), Point);
                    decompositions[Point(key)] = parts;
                    if (line[separator] == '=')
                        compositions[(parts[0], parts[1])] = Point(key);
                }
            }

            return new Tables(decompositions.ToFrozenDictionary(), compositions.ToFrozenDictionary(), classes.ToFrozenDictionary());
        }

        private static int Point(string hex) => int.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
