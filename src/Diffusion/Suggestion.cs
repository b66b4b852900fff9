namespace PromptToPrompt.Diffusion;

/// <summary>Suggests a name for a mistyped one.</summary>
internal static class Suggestion
{
    // Longer texts are no mistyped names, and comparing them takes time.
    private const int MaxLength = 64;

    /// <summary>The advice for an unknown name: the nearest one, if any is similar, and all of them.</summary>
    /// <param name="text">The typed text.</param>
    /// <param name="names">The names that exist.</param>
    public static string Advice(string text, params IReadOnlyList<string> names) => $"{Question(text, names)}Use {InvalidInputException.AnyOf(names)}.";

    /// <summary>A question for the nearest name with a space after it; empty if no name is similar.</summary>
    /// <param name="text">The typed text.</param>
    /// <param name="names">The names that exist.</param>
    public static string Question(string text, IEnumerable<string> names) => Question(For(text, names));

    /// <summary>A question for a name with a space after it; empty for null.</summary>
    public static string Question(string? name) => name is null ? "" : $"Did you mean {name}? ";

    /// <summary>Finds the nearest name.</summary>
    /// <param name="text">The typed text.</param>
    /// <param name="names">The names that exist.</param>
    /// <returns>Null if no name is similar.</returns>
    public static string? For(string text, IEnumerable<string> names)
    {
        if (text.Length is < 2 or > MaxLength)
            return null;
        string[] known = [.. names];
        var (nearest, distance) = known.Select(name => (name, Distance(text, name))).OrderBy(name => name.Item2).FirstOrDefault();
        if (nearest is not null && distance <= (text.Length + 2) / 3)
            return nearest;
        return known
            .Where(name => name.Length > 2 && (name.StartsWith(text, StringComparison.OrdinalIgnoreCase) || text.StartsWith(name, StringComparison.OrdinalIgnoreCase)))
            .MinBy(name => name.Length);
    }

    /// <summary>Damerau-Levenshtein distance: insertions, deletions, replacements and swaps of neighbors.</summary>
    internal static int Distance(string one, string other)
    {
        // Distances of the beginnings of one text, with two letters less, one letter less and all, to those of the other.
        int[] before = [], last = [.. Enumerable.Range(0, other.Length + 1)];
        for (var i = 1; i <= one.Length; i++)
        {
            var row = new int[other.Length + 1];
            row[0] = i;
            for (var k = 1; k <= other.Length; k++)
            {
                var replaced = last[k - 1] + (AreEqual(one[i - 1], other[k - 1]) ? 0 : 1);
                row[k] = Math.Min(replaced, 1 + Math.Min(last[k], row[k - 1]));
                if (i > 1 && k > 1 && AreEqual(one[i - 1], other[k - 2]) && AreEqual(one[i - 2], other[k - 1]))
                    row[k] = Math.Min(row[k], 1 + before[k - 2]);
            }

            (before, last) = (last, row);
        }

        return last[other.Length];
    }

    private static bool AreEqual(char one, char other) => char.ToLowerInvariant(one) == char.ToLowerInvariant(other);
}
