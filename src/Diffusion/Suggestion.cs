namespace PromptToPrompt.Diffusion;

/// <summary>Suggests a name for a mistyped one.</summary>
internal static class Suggestion
{
    /// <summary>The advice for an unknown name: the nearest one, if any is similar, and all of them.</summary>
    /// <param name="text">The typed text.</param>
    /// <param name="names">The names that exist.</param>
    public static string Advice(string text, params IReadOnlyList<string> names) => $"{Question(text, names)}Use {InvalidInputException.AnyOf(names)}.";

    /// <summary>A question for the nearest name with a space after it; empty if no name is similar.</summary>
    /// <param name="text">The typed text.</param>
    /// <param name="names">The names that exist.</param>
    public static string Question(string text, IEnumerable<string> names) => For(text, names) is { } name ? $"Did you mean {name}? " : "";

    /// <summary>Finds the nearest name.</summary>
    /// <param name="text">The typed text.</param>
    /// <param name="names">The names that exist.</param>
    /// <returns>Null if no name is similar.</returns>
    public static string? For(string text, IEnumerable<string> names)
    {
        var typed = text.TrimStart('-');
        if (typed.Length < 2)
            return null;
        var known = names.Where(name => name.StartsWith('-') == text.StartsWith('-')).Select(name => (Name: name, Bare: name.TrimStart('-'))).ToList();
        var nearest = known.Select(name => (name.Name, Distance: Distance(typed, name.Bare))).OrderBy(name => name.Distance).FirstOrDefault();
        if (nearest.Name is not null && nearest.Distance <= (typed.Length + 2) / 3)
            return nearest.Name;
        return known
            .Where(name => name.Bare.Length > 2 && (name.Bare.StartsWith(typed, StringComparison.OrdinalIgnoreCase) || typed.StartsWith(name.Bare, StringComparison.OrdinalIgnoreCase)))
            .OrderBy(name => name.Bare.Length).FirstOrDefault().Name;
    }

    /// <summary>Damerau-Levenshtein distance: insertions, deletions, replacements and swaps of neighbors.</summary>
    internal static int Distance(string one, string other)
    {
        var distance = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
        {
            for (var k = 0; k <= other.Length; k++)
            {
                if (i == 0 || k == 0)
                {
                    distance[i, k] = i + k;
                    continue;
                }

                var replaced = distance[i - 1, k - 1] + (char.ToLowerInvariant(one[i - 1]) == char.ToLowerInvariant(other[k - 1]) ? 0 : 1);
                distance[i, k] = Math.Min(replaced, 1 + Math.Min(distance[i - 1, k], distance[i, k - 1]));
                if (i > 1 && k > 1 && one[i - 1] == other[k - 2] && one[i - 2] == other[k - 1])
                    distance[i, k] = Math.Min(distance[i, k], 1 + distance[i - 2, k - 2]);
            }
        }

        return distance[one.Length, other.Length];
    }
}
