using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion;

/// <summary>
/// Paths in environment variables. A shell expands <c>~</c> and <c>$NAME</c> only outside quotes, and service files, containers and
/// editors never do. The hub's own tools expand both, so this class does too.
/// </summary>
internal static partial class EnvironmentPath
{
    private const string Users = "/etc/passwd";

    /// <summary>The path in a variable; null if it is unset or empty.</summary>
    /// <param name="variable">Name of the variable.</param>
    /// <param name="environment">Reads a variable.</param>
    public static string? Read(string variable, Func<string, string?> environment) =>
        environment(variable) is { Length: > 0 } path ? Expand(path, environment) : null;

    /// <summary>
    /// Replaces <c>~</c> and <c>~USER</c> at the start of a path, then <c>$NAME</c> and <c>${NAME}</c>. Unknown users and variables stay
    /// unchanged.
    /// </summary>
    public static string Expand(string path, Func<string, string?> environment) => Variable().Replace(
        ExpandHome(path, environment),
        match => environment(match.Groups["name"].Value) ?? match.Value);

    /// <summary>The user's home directory.</summary>
    public static string Home(Func<string, string?> environment) =>
        environment("HOME") is { Length: > 0 } home ? home : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static string ExpandHome(string path, Func<string, string?> environment)
    {
        if (!path.StartsWith('~'))
            return path;
        var end = path.AsSpan().IndexOfAny('/', Path.DirectorySeparatorChar);
        var (user, rest) = end < 0 ? (path[1..], "") : (path[1..end], path[end..]);
        var home = user.Length == 0 ? Home(environment) : HomeOf(user);
        return home is not { Length: > 0 } ? path
            : home.TrimEnd('/') + rest is { Length: > 0 } expanded ? expanded
            : "/";
    }

    /// <summary>Another user's home directory; null if the user does not exist or the system keeps its users elsewhere.</summary>
    private static string? HomeOf(string user)
    {
        try
        {
            return File.Exists(Users)
                ? File.ReadLines(Users).Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length > 5 && fields[0] == user)?[5]
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\$(?:(?<name>[A-Za-z0-9_]+)|\{(?<name>[^}]+)\})", RegexOptions.CultureInvariant)]
    private static partial Regex Variable();
}
